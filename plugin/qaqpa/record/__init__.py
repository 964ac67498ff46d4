# SPDX-License-Identifier: Apache-2.0
"""Decisions that last: kept in the log, signed as verdicts, and verified without us."""
