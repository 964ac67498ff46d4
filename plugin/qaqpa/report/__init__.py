# SPDX-License-Identifier: Apache-2.0
"""Reports. Each format is one module that reads the decision document and nothing else."""
