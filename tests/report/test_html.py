# SPDX-License-Identifier: Apache-2.0
"""The page: complete without anything else, the same in three languages, and with what an auditor asks for."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from qaqpa.gate import decide
from qaqpa.model import Problem
from qaqpa.policy.embedded import EmbeddedEngine
from qaqpa.report import html
from qaqpa.report.judged import Comparison
from qaqpa.report.strings import LANGUAGES
from support.reports import ALL_PROFILES, EXAMPLES, LOW, of_directory, review_of, unplaced, waived
from support.statements import everything, request

VOID = {"meta", "input", "br", "path"}


class _Balance(HTMLParser):
    """Whether every element is closed where it was opened."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.targets: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.ids += [str(found["id"])] if "id" in found else []
        self.targets += [str(found[name]) for name in ("for", "aria-labelledby") if name in found]
        self.targets += [str(found["href"])[1:]] if "href" in found else []
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        pass

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def of_language(page: str, language: str) -> str:
    """The part of the page in a language."""
    found = re.search(rf'<main class="in in-{language}" lang="{language}">(.*?)</main>', page, re.DOTALL)
    assert found
    return found[1]


def test_the_page_needs_nothing_else(engine: EmbeddedEngine) -> None:
    page = html.render(waived(engine), engine.catalog)
    style = re.search(r"<style>(.*?)</style>", page, re.DOTALL)
    assert style
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', page)
    assert policy
    assert policy[1] == f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    assert not re.search(r"<script|\bsrc=|\bstyle=|\bon\w+=|@import|url\(|https?:", page)


def test_every_element_is_closed_and_every_reference_leads_somewhere(engine: EmbeddedEngine) -> None:
    compared = Comparison(existed=True, base_verdict="allow", new=(LOW,), ending=("AUD-01",))
    failing = of_directory(engine, EXAMPLES / "credit-scoring" / "failing", profiles=ALL_PROFILES, comparison=compared)
    for report in (failing, waived(engine), review_of(failing, waived(engine)), review_of()):
        parser = _Balance()
        parser.feed(html.render(report, engine.catalog))
        assert parser.open == []
        assert len(set(parser.ids)) == len(parser.ids)
        assert set(parser.targets) <= set(parser.ids)


@pytest.mark.parametrize("language", LANGUAGES)
def test_all_languages_are_there_and_the_chosen_one_is_shown(engine: EmbeddedEngine, language: str) -> None:
    page = html.render(waived(engine), engine.catalog, language)
    assert f'<html lang="{language}">' in page
    (checked,) = re.findall(r'id="to-(\w\w)" class="to" checked', page)
    assert checked == language
    parts = {name: of_language(page, name) for name in LANGUAGES}
    for name, text in parts.items():
        assert html.NAMES[name] in page
        assert text.count("<article") == parts["en"].count("<article") == 3
        assert text.count("<tr>") == parts["en"].count("<tr>")
    said = {"en": "It does not say that the model is lawful.", "kk": "заңды екенін білдірмейді", "ru": "не означает"}
    for name, sentence in said.items():
        assert sentence in parts[name]


def test_an_auditor_finds_who_signed_what_until_when_and_what_was_refused(engine: EmbeddedEngine) -> None:
    text = of_language(html.render(waived(engine), engine.catalog), "en")
    for said in (
        "DENIED",
        "models:/credit/7",
        "ab" * 32,
        "23 November 2026, 00:00 UTC",
        "Signed by: chair (university)",
        "signed by somebody independent",
        "No auditor is free.",
        "Two officers decide",
        "RISK-1",
        "not a statement, or a broken one",
        "text read at its source",
        "Independent audit and ethics",
    ):
        assert said in text, said


def test_what_rests_on_an_unread_provision_says_so(engine: EmbeddedEngine) -> None:
    asked = request([], profiles=("eu-ai-act-high-risk",))
    text = of_language(html.render(unplaced(decide(asked, engine)), engine.catalog), "en")
    assert "text not verified: read second-hand only" in text


def test_what_was_not_decided_and_what_is_allowed_look_like_it(engine: EmbeddedEngine) -> None:
    undecided = replace(request(everything()), problems=[Problem("bytes_missing", "No model/.")])
    page = html.render(unplaced(decide(undecided, engine)), engine.catalog)
    assert '<header class="verdict undecided">' in page
    assert "No model/." in page
    page = html.render(unplaced(decide(request(everything()), engine)), engine.catalog)
    assert '<header class="verdict allow">' in page
    assert "Nothing stands in the way." in page


def test_a_review_begins_with_all_models(engine: EmbeddedEngine) -> None:
    compared = Comparison(existed=True, base_verdict="allow", new=(LOW,))
    failing = of_directory(engine, EXAMPLES / "credit-scoring" / "failing", comparison=compared)
    text = of_language(html.render(review_of(waived(engine), failing), engine.catalog), "en")
    overview = text[: text.index("</table>")]
    assert overview.index("mortgage-approval") < overview.index("credit version 7")
    assert "ALLOWED at the base." in overview
    assert "Compared with main (commit c0ffee000000)." in text
    assert text.count('class="badge new"') == 1


def test_backticks_are_code_and_nothing_else() -> None:
    assert html.coded("a `b <i>` c") == "a <code>b &lt;i&gt;</code> c"
    assert html.coded("a ` <i>") == "a ` &lt;i&gt;"
