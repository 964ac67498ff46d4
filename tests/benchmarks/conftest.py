# SPDX-License-Identifier: Apache-2.0
"""Benchmarks run only when they are named: `pytest tests/benchmarks -s`."""

from __future__ import annotations

import sys

if not any("benchmarks" in argument for argument in sys.argv):
    collect_ignore_glob = ["*"]
