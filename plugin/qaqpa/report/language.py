# SPDX-License-Identifier: Apache-2.0
"""In which language people are spoken to: as they ask, else `QAQPA_LANG`, else their locale, else English."""

from __future__ import annotations

import os

from qaqpa.errors import UsageError
from qaqpa.report.strings import LANGUAGES

VARIABLE = "QAQPA_LANG"
"""The environment variable that names a language."""

_LOCALE = ("LC_ALL", "LC_MESSAGES", "LANG")


def chosen_language(asked: str | None = None, *, locale: bool = True) -> str:
    """The language of texts, ISO 639-1.

    Args:
        asked: what the command line says.
        locale: whether the locale counts; a server's says nothing of the people who read its answers.

    Raises:
        UsageError: `QAQPA_LANG` names a language that there is not.
    """
    return asked or language_and_source(locale=locale)[0]


def language_and_source(*, locale: bool = True) -> tuple[str, str]:
    """The language that the environment chooses, and what chose it: a variable, or `default`.

    Raises:
        UsageError: see `chosen_language`.
    """
    named = os.environ.get(VARIABLE)
    if named is not None:
        if named not in LANGUAGES:
            raise UsageError(
                f"There is no language {named!r}", where=VARIABLE, required=f"one of {', '.join(LANGUAGES)}"
            )
        return named, VARIABLE
    # The first of these that is set decides, as everywhere.
    variable = next((name for name in _LOCALE if os.environ.get(name)), "") if locale else ""
    language = os.environ.get(variable, "").replace("-", "_").partition("_")[0].lower()
    return (language, variable) if language in LANGUAGES else (LANGUAGES[0], "default")
