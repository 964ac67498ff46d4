# SPDX-License-Identifier: Apache-2.0
"""Errors that explain themselves, and the exit codes of the command line."""

from __future__ import annotations

import enum


class ExitCode(enum.IntEnum):
    """What the command line exits with."""

    ALLOWED = 0
    CRASH = 1
    USAGE = 2
    DENIED = 3
    UNDECIDED = 4


def with_extra(name: str) -> str:
    """How to install what an extra of Qaqpa brings; by its checkout, for it is on no index."""
    return f"Install Qaqpa with its extra `{name}`: pip install '.[{name}]' in its checkout"


class QaqpaError(Exception):
    """Base of all errors that a user can mend.

    Args:
        found: what was found, one sentence.
        where: `path:line:column`, a URI, a name; empty where it does not apply.
        required: what is required.
        mend: how to mend it.
    """

    exit_code = ExitCode.USAGE

    def __init__(self, found: str, *, where: str = "", required: str = "", mend: str = "") -> None:
        super().__init__(found)
        self.found = found
        self.where = where
        self.required = required
        self.mend = mend

    def __str__(self) -> str:
        """All parts in one text, the place first."""
        head = f"{self.where}: {self.found}" if self.where else self.found
        parts = [head, self.required and f"Required: {self.required}", self.mend and f"To mend: {self.mend}"]
        return " ".join(part if part.endswith((".", "!", "?")) else f"{part}." for part in parts if part)


class UsageError(QaqpaError):
    """The command, the configuration or an input file is wrong; exit code 2."""


class UndecidedError(QaqpaError):
    """Nothing can be decided: an engine, a registry or a file did not answer as it must; exit code 4."""

    exit_code = ExitCode.UNDECIDED
