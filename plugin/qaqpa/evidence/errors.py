# SPDX-License-Identifier: Apache-2.0
"""Why evidence is refused."""

from __future__ import annotations


class StatementError(Exception):
    """A statement is refused: a stable `code`, and a sentence."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail
