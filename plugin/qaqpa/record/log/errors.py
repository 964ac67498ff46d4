# SPDX-License-Identifier: Apache-2.0
"""What can be wrong with the decision log."""

from __future__ import annotations

from qaqpa.errors import UndecidedError


class LogError(UndecidedError):
    """The log cannot be used: not reached in time, full, damaged, or not the one that it was."""


class OverrideUsedError(LogError):
    """An override was used before; `seq` is the row that says so, and `at` its time."""

    def __init__(self, sha256: str, seq: int, at: str) -> None:
        super().__init__(
            f"The override {sha256} was used already, at {at}",
            where=f"row {seq} of the decision log",
            required="an override that was never used",
        )
        self.seq = seq
        self.at = at
