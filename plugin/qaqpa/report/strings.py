# SPDX-License-Identifier: Apache-2.0
"""The reports' own texts, by language and code."""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path

LANGUAGES = ("en", "kk", "ru")
"""The languages that everything is written in, ISO 639-1: English, Kazakh (Cyrillic), Russian."""

_TEXTS = Path(__file__).parent / "texts"


def template(code: str, language: str) -> str:
    """A text with its placeholders, in English where the language lacks it; empty where there is none."""
    return strings(language).get(code) or strings("en").get(code) or ""


@lru_cache(maxsize=8)
def strings(language: str) -> dict[str, str]:
    """All texts in a language."""
    path = _TEXTS / f"{language}.json"
    found: dict[str, str] = json.loads(path.read_bytes()) if path.is_file() else {}
    return found
