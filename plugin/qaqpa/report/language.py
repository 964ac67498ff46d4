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
    if asked:
        return asked
    named = os.environ.get(VARIABLE)
    if named is not None:
        if named not in LANGUAGES:
            raise UsageError(
                f"There is no language {named!r}", where=VARIABLE, required=f"one of {', '.join(LANGUAGES)}"
            )
        return named
    # The first of these that is set decides, as everywhere.
    found = next((os.environ[name] for name in _LOCALE if os.environ.get(name)), "") if locale else ""
    language = found.replace("-", "_").partition("_")[0].lower()
    return language if language in LANGUAGES else "en"
