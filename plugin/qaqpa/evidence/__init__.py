# SPDX-License-Identifier: Apache-2.0
"""Evidence: what it is about, how it is carried, and what of it counts."""
