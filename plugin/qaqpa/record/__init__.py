# SPDX-License-Identifier: Apache-2.0
"""Decisions that last: what was decided, kept and signed."""
