# SPDX-License-Identifier: Apache-2.0
"""Hostile text in every field that somebody may write, in every report: it is shown, and it does nothing.

A report of hostile text has the very structure of one of harmless text; each kind of report is read by a parser of it.
"""

from __future__ import annotations

import io
import json
import re
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from html.parser import HTMLParser
from typing import Any
from xml.etree import ElementTree as ET

import cmarkgfm
import pytest
from cmarkgfm.cmark import Options

from qaqpa.cli.common import console
from qaqpa.documents import validator
from qaqpa.model import Decision, Evidence, Request, Signer, Stage, Strength, Subject, Verdict
from qaqpa.policy.bundle import Catalog
from qaqpa.policy.embedded import EmbeddedEngine
from qaqpa.report import brief, github, html, junit, markdown, sarif
from qaqpa.report import json as json_report
from qaqpa.report import text as text_report
from qaqpa.report.judged import Change, Comparison, Judged, Review
from qaqpa.report.places import Places
from support.reports import COMMIT
from support.statements import NOW

PAYLOADS = {
    "terminal escape": "\x1b[2J\x1b]8;;http://evil.example\x07x\x9b31m",
    "direction": "\u202egnp.exe\u2066\u2069\u200b",
    "line breaks": "a\nb\r\nc\u2028d\x85e\x0b\n\n# f\n- g\n::error::h",
    "html": "</td></style><script>alert(1)</script><img src=x onerror=alert(1)><a href='//evil.example'>x</a>\"'&amp;",
    "html end": "--></details></summary><!-- <![CDATA[ ]]>",
    "markdown link": "[a](https://evil.example) ![b](//evil.example/c.png) <https://evil.example> [x]: //y",
    "bare address": "https://evil.example www.evil.example ftp://evil.example mailto:a@evil.example a@evil.example",
    "mention": "@octocat @org/team #1 GH-2 org/repo#3 octocat@0123abc deadbeef01 :white_check_mark:",
    "table and fence": "a | b |\n|---|\n```\n~~~ \\| ` `` *x* _y_ ~~z~~ $m$ > q",
    "template": "{{ 7 * 7 }} {% for x in y %} {0} {found} {required} %s ${HOME}",
    "workflow command": "::add-mask::x ##[add-mask]y ::stop-commands::z %0A::error::q",
    "xml": "\x00\x01\x08\x1f\ufffe\uffff]]><y/>&#0;&bogus;",
    "half a character": "\ud800\udfff x",
    "very long": "word " * 1_000,
    "one long word": "x" * 5_000,
    "code": "`a` ``b`` `",
    "path": "../../etc/passwd %2e%2e/ C:\\x file:///etc/passwd",
}
HARMLESS = "harmless"
FIELDS = (
    "name",
    "version",
    "target",
    "source",
    "kind",
    "refusal code",
    "detail",
    "problem",
    "found",
    "required",
    "field",
    "reason",
    "ticket",
    "compensating",
    "signer",
    "profile",
    "card",
    "actor",
    "base",
    "change",
    "engine",
)


def judged_with(field: str, evil: str, engine: EmbeddedEngine) -> tuple[Review, Catalog]:
    """A small review in which one field holds a text."""

    def at(name: str, usual: str) -> str:
        return evil if field == name else usual

    card = engine.catalog.controls["AUD-01"]
    told = {**card["texts"]["en"], "title": evil, "requirement": evil, "mend": evil, "violations": {"brand_new": evil}}
    own = {**card, "texts": dict.fromkeys(("en", "kk", "ru"), told)} if field == "card" else card
    profile = at("profile", "article-baseline")
    asked = [{"profile": profile, "basis": "direct", "severity": "deny", "from": []}]

    def violation(code: str, name: str) -> dict[str, Any]:
        values = {"found": [{"a": at("found", "x")}], "required": at("required", "y")}
        return {"code": code, "level": "deny", "evidence": "e1", "field": name, **values, "asked_by": asked}

    def finding(control: str, status: str, *violations: dict[str, Any], **more: Any) -> dict[str, Any]:
        empty = {"not_applicable_because": [], "evidence": ["e1"], "denies_from": [], "waivers": []}
        return {"control": control, "status": status, "profiles": [profile], "violations": violations, **empty, **more}

    waiver = {
        "id": "9a" * 32,
        "category": "mitigated",
        "reason": at("reason", "r"),
        "ticket": at("ticket", "t"),
        "compensating": [at("compensating", "c")],
        "until": {"text": "2026-12-01T00:00:00Z", "seconds": 1796083200},
        "signers": [at("signer", "s")],
    }
    document = {
        "schema": "urn:qaqpa:schema:decision:v1",
        "verdict": "deny",
        "stage": "production",
        "now": {"text": "2026-11-23T00:00:00Z", "seconds": 1795392000},
        "as_of": True,
        "actor": at("actor", "a"),
        "subject": {"name": at("name", "m"), "version": at("version", "7"), "digest": "ab" * 32},
        "context_digest": None,
        "profiles": [profile],
        "settings": {
            "minimum_strength": "declared",
            "thresholds": {},
            "raised": [],
            "separation_of_duties": "when_known",
        },
        "findings": [
            finding("AUD-01", "fail", violation("brand_new", at("field", "f"))),
            finding("AUD-02", "waived", violation("evidence_missing", "commission"), waivers=[waiver]),
            finding("AUD-03", "fail", {**violation("evidence_refused", "bias"), "evidence": ""}),
            finding("HOV-01", "pass"),
            finding("HOV-02", "not_applicable", not_applicable_because=["public_sector"]),
        ],
        "problems": [{"code": "digest_failed", "detail": at("problem", "p")}],
        "rejected": [
            {
                "code": at("refusal code", "malformed"),
                "kind": at("kind", kind),
                "source": at("source", "s/evidence/x.json"),
                "detail": at("detail", "d"),
            }
            for kind in ("bias", "system")
        ],
    }
    decision = Decision(Verdict.DENY, document, "cd" * 32, at("engine", "e"))
    signer = Signer(at("signer", "s"), at("signer", "u"), (), (), independent=True)
    fact = Evidence("audit", "e1", Strength.SIGNED, {}, at("source", "s/evidence/y.json"), NOW, NOW, "ee", (signer,))
    places = Places(Request(Subject("m"), Stage.PRODUCTION, (), NOW, evidence=[fact]), "s")
    change = Change("AUD-01", at("change", "code"), at("change", "field"), "deny")
    comparison = Comparison(existed=True, base_verdict="allow", new=(change,), mended=(change,), ending=("AUD-02",))
    judged = Judged(decision, at("target", "s"), places, comparison)
    controls = {**engine.catalog.controls, "AUD-01": own}
    review = Review((judged,), at("base", "main"), COMMIT, "any", Verdict.DENY)
    return review, replace(engine.catalog, controls=controls)


def harmless(written: str) -> None:
    """Nothing for a terminal, a runner of workflows or a decoder."""
    written.encode("utf-8")
    odd = {"Cc", "Cf", "Co", "Cs", "Cn", "Zl", "Zp"}
    assert not [c for c in written if c not in "\n\u200b" and unicodedata.category(c) in odd]
    assert "##[" not in written


class _Structure(HTMLParser):
    """The elements of a page without code, whose number a text with backticks may change, and its text."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, tuple[str, ...]]] = []
        self.texts: list[str] = []
        self._in_code = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._in_code += tag == "code"
        if tag != "code":
            self.tags.append((tag, tuple(name for name, _ in attrs)))

    def handle_endtag(self, tag: str) -> None:
        self._in_code -= tag == "code"

    def handle_data(self, data: str) -> None:
        if not self._in_code:
            self.texts.append(data)

    def handle_comment(self, data: str) -> None:
        self.tags.append(("comment", (data,)))


def structure(page: str) -> _Structure:
    parser = _Structure()
    parser.feed(page)
    parser.close()
    return parser


def of_text(review: Review, catalog: Catalog) -> object:
    out = io.StringIO()
    text_report.render(review, catalog, console(out))
    written = out.getvalue()
    harmless(written)
    assert "\u200b" not in written
    assert not [line for line in written.splitlines() if line.strip().startswith("::")]
    return None


def of_brief(review: Review, catalog: Catalog) -> object:
    written = brief.render(review, catalog)
    harmless(written)
    assert not [line for line in written.splitlines() if line.strip().startswith("::")]
    return len(written.splitlines())


def of_json(review: Review, catalog: Catalog) -> object:
    written = json_report.render(review, catalog)
    harmless(written)
    assert written.isascii()
    document = json.loads(written)
    validator("review").validate(document)
    for result in document["reports"][0]["results"]:
        for text in _strings(result):
            harmless(text)
            assert "\n" not in text
    assert document["reports"][0]["decision"] == json.loads(json.dumps(review.judged[0].decision.document)), "whole"
    return len(document["reports"][0]["results"])


def of_sarif(review: Review, catalog: Catalog) -> object:
    written = sarif.render(review, catalog)
    harmless(written)
    (run,) = json.loads(written)["runs"]
    assert "](" not in json.dumps([result["message"] for result in run["results"]])
    assert all(re.fullmatch(r"[A-Z]+-[0-9]+|gate/[a-z_]+", result["ruleId"]) for result in run["results"])
    assert not re.search(r"(?<!\\)\]\(", "".join(rule["help"]["markdown"] for rule in run["tool"]["driver"]["rules"]))
    for result in run["results"]:
        uri = result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
        assert re.fullmatch(r"[A-Za-z0-9_.~/%-]+", uri)
        assert not uri.startswith(("/", "."))
    return len(run["results"])


def of_github(review: Review, catalog: Catalog) -> object:
    written = github.render(review, catalog)
    harmless(written)
    for line in written.splitlines():
        properties = re.fullmatch(r"::(?:error|warning|notice) ([^:]*)::.*", line)
        assert properties, line
        assert {part.split("=")[0] for part in properties[1].split(",")} <= {"file", "line", "col", "title"}
    return len(written.splitlines())


def of_junit(review: Review, catalog: Catalog) -> object:
    written = junit.render(review, catalog)
    harmless(written)
    return [(element.tag, sorted(element.attrib)) for element in ET.fromstring(written).iter()]


def of_markdown(review: Review, catalog: Catalog) -> object:
    written = markdown.render(review, catalog)
    harmless(written)
    assert len(written) <= markdown.LONGEST_COMMENT
    extensions = ["table", "strikethrough", "autolink", "tasklist"]
    page = cmarkgfm.markdown_to_html_with_extensions(written, Options.CMARK_OPT_UNSAFE, extensions)
    found = structure(page)
    assert {tag for tag, _ in found.tags} <= {
        *("h2", "h3", "p", "strong", "table", "thead", "tbody", "tr", "th", "td"),
        *("br", "details", "summary", "sub", "ul", "li"),
    }
    for text in found.texts:
        # What GitHub looks for in the finished text.
        assert not re.search(r"@\w|#\w|\bGH-\d|://|\bwww\.|:[a-z0-9_+-]+:", text), text
    return found.tags


def of_html(review: Review, catalog: Catalog) -> object:
    written = html.render(review, catalog)
    harmless(written)
    found = structure(written)
    assert not {"script", "img", "iframe", "object", "form", "base", "link"} & {tag for tag, _ in found.tags}
    assert not [name for _, names in found.tags for name in names if name.startswith("on") or name in {"style", "src"}]
    return found.tags


SINKS: dict[str, Callable[[Review, Catalog], object]] = {
    "text": of_text,
    "brief": of_brief,
    "json": of_json,
    "sarif": of_sarif,
    "github": of_github,
    "junit": of_junit,
    "markdown": of_markdown,
    "html": of_html,
}


def _strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield key
            yield from _strings(item)
    elif isinstance(value, list):
        for item in value:
            yield from _strings(item)


@cache
def _as_usual(sink: str, field: str, engine: EmbeddedEngine) -> object:
    return SINKS[sink](*judged_with(field, HARMLESS, engine))


@pytest.mark.parametrize("payload", PAYLOADS)
@pytest.mark.parametrize("sink", SINKS)
def test_hostile_text_is_only_shown(engine: EmbeddedEngine, sink: str, payload: str) -> None:
    for field in FIELDS:
        found = SINKS[sink](*judged_with(field, PAYLOADS[payload], engine))
        # A source that is no path, or leads out of the directory, is shown without its place.
        assert found == _as_usual(sink, field, engine) or (field, payload) in {("source", "xml"), ("source", "path")}, (
            field
        )


def test_every_field_reaches_some_report(engine: EmbeddedEngine) -> None:
    for field in FIELDS:
        review, catalog = judged_with(field, "Shibboleth", engine)
        written = [json_report.render(review, catalog), html.render(review, catalog), markdown.render(review, catalog)]
        assert any("Shibboleth" in text for text in written), field


def test_the_parsers_would_find_what_does_something(engine: EmbeddedEngine) -> None:
    review, catalog = judged_with("name", HARMLESS, engine)
    page = html.render(review, catalog)
    assert structure(page.replace(HARMLESS, "<b>x</b>", 1)).tags != structure(page).tags
    made = cmarkgfm.markdown_to_html_with_extensions("https://evil.example a@b.example", 0, ["autolink"])
    assert made.count("<a ") == 2
