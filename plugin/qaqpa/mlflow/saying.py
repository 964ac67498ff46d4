# SPDX-License-Identifier: Apache-2.0
"""Refusals that rest on no decision of the policies, in the language that the server speaks."""

from __future__ import annotations

from qaqpa.errors import UsageError
from qaqpa.escape import visible
from qaqpa.model import Json
from qaqpa.policy.bundle import Catalog
from qaqpa.report.language import chosen_language
from qaqpa.report.strings import LANGUAGES
from qaqpa.report.texts import Texts

_NO_CATALOG = Catalog({}, {}, {})


def say(code: str, /, **values: Json) -> str:
    """One of the reports' own texts."""
    return _texts().say(code, **values)


def problem(code: str, detail: str = "") -> str:
    """A problem as sentences, with its detail: a part of them, or what follows."""
    sentence, besides = _texts().problem({"code": code, "detail": detail})
    return f"{sentence} {visible(besides, 2000)}".rstrip()


def undecided(action: str, code: str) -> str:
    """One line: what was asked for is refused because of a problem that keeps the gate from deciding."""
    return f"{say('line.problem', action=visible(action))} {problem(code)}"


def _texts() -> Texts:
    try:
        return Texts(_NO_CATALOG, chosen_language(locale=False))
    except UsageError:
        # No gate starts with it; what refuses must not fail for it.
        return Texts(_NO_CATALOG, LANGUAGES[0])
