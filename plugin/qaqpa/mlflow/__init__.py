# SPDX-License-Identifier: Apache-2.0
"""MLflow: the veto inside the server's registry store, and the reading of versions from outside."""
