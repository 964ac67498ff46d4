# SPDX-License-Identifier: Apache-2.0
"""Decisions as one page that needs nothing else: no script, no file, no server; to be read, kept and printed."""

from __future__ import annotations

import base64
import hashlib
from functools import lru_cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup, escape

from qaqpa.policy.bundle import Catalog
from qaqpa.report.judged import Judged, Review, outcome
from qaqpa.report.strings import LANGUAGES
from qaqpa.report.summary import against, concluded, overview, weight
from qaqpa.report.texts import Texts
from qaqpa.report.views import view

NAMES = {"en": "English", "kk": "Қазақша", "ru": "Русский"}
"""What the languages call themselves."""

_FILES = Path(__file__).parent / "page_files"


def render(report: Judged | Review, catalog: Catalog, language: str = "en") -> str:
    """The page in all languages; that which is asked for is shown first, and a switch shows the others."""
    style = _style()
    pages = [_page(report, Texts(catalog, name)) for name in LANGUAGES]
    return _template().render(
        language=language,
        names=NAMES,
        pages=pages,
        first=next(page for page in pages if page["language"] == language),
        # The style is ours, and must reach the page as it was hashed.
        style=Markup(style),  # noqa: S704
        style_hash=base64.b64encode(hashlib.sha256(style.encode()).digest()).decode(),
    )


def _page(report: Judged | Review, texts: Texts) -> dict[str, Any]:
    """What the page says in one language."""
    listed = overview(report) if isinstance(report, Review) else [report]
    review = isinstance(report, Review)
    return {
        "language": texts.language,
        "say": texts.say,
        "views": [view(judged, texts, f"{texts.language}-{number}") for number, judged in enumerate(listed, 1)],
        "changes": [_changes(judged) for judged in listed],
        "review": review,
        "outcome": outcome(report).value,
        "said": concluded(report, texts)
        if isinstance(report, Review)
        else texts.say(f"verdict.{outcome(report).value}"),
        "against": f"{against(report, texts)} {weight(report, texts)}" if isinstance(report, Review) else "",
    }


def _changes(judged: Judged) -> tuple[int, int]:
    """How many violations are new, and how many are mended."""
    comparison = judged.comparison
    return (len(comparison.new), len(comparison.mended)) if comparison else (0, 0)


@lru_cache(maxsize=1)
def _template() -> Template:
    environment = Environment(
        autoescape=True,
        undefined=StrictUndefined,
        loader=FileSystemLoader(_FILES),
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["coded"] = coded
    return environment.get_template("report.html")


def coded(text: str) -> Markup:
    """A text in which what stands between backticks is code."""
    parts = str(text).split("`")
    if len(parts) % 2 == 0:
        return escape(text)
    return Markup("").join(
        Markup("<code>{}</code>").format(part) if odd % 2 else part for odd, part in enumerate(parts)
    )


@lru_cache(maxsize=1)
def _style() -> str:
    return (_FILES / "report.css").read_text("utf-8")
