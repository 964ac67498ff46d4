# SPDX-License-Identifier: Apache-2.0
"""The pages of controls, each in all languages, and their index."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import quote

from qaqpa.docs.examples import Example
from qaqpa.docs.markdown import page, sections
from qaqpa.policy.bundle import Catalog
from qaqpa.report.markdown_text import escape, table
from qaqpa.report.page import control_page
from qaqpa.report.strings import LANGUAGES
from qaqpa.report.texts import Texts
from qaqpa.report.weights import asking

NAMES = {"en": "English", "kk": "Қазақша", "ru": "Русский"}
"""What the languages call themselves."""

_STATUS = {"fail": "docs.fails", "warn": "docs.warned"}
_INDEX = (
    "Each page is made of the control's card, its provisions and its rule. The same is on the command line: "
    "`qaqpa explain ID --lang en|kk|ru`."
)


def control_document(control: str, catalog: Catalog, examples: Sequence[Example]) -> str:
    """The page of a control."""
    links = " · ".join(f"[{NAMES[language]}](#{language})" for language in LANGUAGES)
    parts = [_in_language(control, Texts(catalog, language), examples) for language in LANGUAGES]
    return page(f"# {control} {escape(Texts(catalog).title(control))}", links, *parts)


def index_document(catalog: Catalog) -> str:
    """The index of controls, by family."""
    texts = [Texts(catalog, language) for language in LANGUAGES]
    families: dict[str, list[str]] = {}
    for control, card in sorted(catalog.controls.items()):
        families.setdefault(card["family"], []).append(control)
    blocks = []
    for family, controls in families.items():
        heading = " · ".join(escape(own.family(family)) for own in texts)
        rows = ([*_row(control, texts), escape(", ".join(asking(control, texts[0])))] for control in controls)
        blocks += [f"## {heading}", table(["", *(NAMES[language] for language in LANGUAGES), "Profiles"], rows)]
    return page("# Controls", _INDEX, *blocks)


def linked(control: str, catalog: Catalog, folder: str = "") -> str:
    """A control's id as a link to its page, where it has one."""
    return f"[{escape(control)}]({folder}{quote(control)}.md)" if control in catalog.controls else escape(control)


def _row(control: str, texts: Sequence[Texts]) -> list[str]:
    return [linked(control, texts[0].catalog), *(escape(own.title(control)) for own in texts)]


def _in_language(control: str, texts: Texts, examples: Sequence[Example]) -> str:
    language = texts.language
    heading = f'<a id="{language}"></a>\n\n## {NAMES[language]}: {escape(texts.title(control))}'
    return "\n\n".join((heading, sections(control_page(control, texts), 3).strip("\n"), _examples(texts, examples)))


def _examples(texts: Texts, examples: Sequence[Example]) -> str:
    lines = [f"- {_place(example)}: {escape(texts.say(_STATUS[example.status]))}" for example in examples]
    listed = "\n".join(lines) or escape(texts.say("docs.no_example"))
    return f"### {escape(texts.say('docs.examples'))}\n\n{listed}"


def _place(example: Example) -> str:
    return f"[{escape(example.place)}](../../examples/{quote(example.place)})"
