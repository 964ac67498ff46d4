# SPDX-License-Identifier: Apache-2.0
"""What the gate checks of each item of the article and of each provision of the law, and what no software can check."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from qaqpa.docs.controls import linked
from qaqpa.docs.markdown import addressed, page
from qaqpa.model import JsonObject
from qaqpa.policy.severity import STRENGTHS
from qaqpa.report.markdown_text import code, escape, table
from qaqpa.report.pages import act_facts
from qaqpa.report.provisions import act_name, days, link_said, locator, provisions_of, resting, verified
from qaqpa.report.section import joined
from qaqpa.report.texts import Texts
from qaqpa.report.weights import BASIS

_ROWS = {
    "actor": "docs.row_actor",
    "context": "docs.row_context",
    "domain": "docs.row_domain",
    "feature": "docs.row_feature",
    "principle": "docs.row_principle",
    "recommendation": "docs.row_recommendation",
    "requirement": "docs.row_requirement",
}
_ITEM = (
    "docs.column_item",
    "docs.column_kind",
    "docs.column_lines",
    "docs.column_on_article",
    "docs.column_checked",
    "docs.column_unchecked",
)
_SOURCE = (
    "docs.column_source",
    "docs.column_status",
    "docs.column_use",
    "docs.column_verified",
    "docs.column_control",
)
_PROVISION = ("docs.column_provision", "docs.column_says", "docs.column_controls", "docs.column_days")
_UNCHECKED = ("docs.column_control", "docs.column_unchecked")
_BREAK = "<br>"


def coverage_document(texts: Texts, languages: str) -> str:
    """The matrix; `languages` are the links to the page in other languages."""
    covered = [act for act in sorted(texts.catalog.law) if "coverage" in texts.catalog.law[act]]
    blocks = [block for act in covered for block in _covered(act, texts.catalog.law[act]["coverage"], texts)]
    acts = [block for act in sorted(texts.catalog.law) for block in _act(act, texts)]
    unchecked = [[_linked(name, texts), escape(texts.cannot_prove(name))] for name in sorted(texts.catalog.controls)]
    return page(
        f"# {escape(texts.say('docs.coverage'))}",
        languages,
        escape(texts.say("docs.coverage_intro")),
        *blocks,
        f"## {escape(texts.say('docs.law'))}",
        escape(texts.say("docs.law_intro")),
        *acts,
        f"## {escape(texts.say('docs.unchecked'))}",
        table(_headers(_UNCHECKED, texts), unchecked),
    )


def _covered(act: str, coverage: JsonObject, texts: Texts) -> Iterator[str]:
    yield f"## {escape(texts.say('docs.article_rows'))}"
    yield table(["", *_headers(_ITEM, texts)], (_item(act, row, texts) for row in coverage["rows"]))
    yield f"## {escape(texts.say('docs.sources'))}"
    yield table(["", *_headers(_SOURCE, texts)], (_source(source, texts) for source in coverage["sources"]))


def _item(act: str, row: JsonObject, texts: Texts) -> Sequence[str]:
    own = texts.in_language(row)
    kind = texts.say(_ROWS[row["kind"]]) if row["kind"] in _ROWS else row["kind"]
    return (
        escape(row["id"]),
        escape(own["item"]),
        escape(kind),
        escape(row.get("lines", "")),
        _BREAK.join(_strongly(control, act, row["provision"], texts) for control in row["controls"]),
        escape(own["checked"]),
        escape(own["unchecked"]),
    )


def _strongly(control: str, act: str, provision: str, texts: Texts) -> str:
    """A control, and how strongly it rests on the provision of an item; where it rests on others, on the act."""
    card = texts.catalog.controls.get(control, {})
    links = [link for link in card.get("provisions", ()) if link["act"] == act]
    links = [link for link in links if link["provision"] == provision] or links
    strongest = min((STRENGTHS.index(link["strength"]) for link in links), default=None)
    said = f": {escape(texts.say(BASIS[STRENGTHS[strongest]]))}" if strongest is not None else ""
    return f"{_linked(control, texts)}{said}"


def _source(source: JsonObject, texts: Texts) -> Sequence[str]:
    own, how = texts.in_language(source), source["verification"]
    act = f" ([{escape(source['act'])}](#{escape(source['act'])}))" if source.get("act") else ""
    return (
        escape(source["id"]),
        f"{escape(own['source'])}{act}",
        escape(own["status"]),
        escape(own["use"]),
        escape(texts.say("docs.not_found") if how == "not_found" else texts.say(f"verification.{how}")),
        ", ".join(_linked(control, texts) for control in source["controls"]),
    )


def _act(act: str, texts: Texts) -> Iterator[str]:
    yield f'<a id="{act}"></a>\n\n### {escape(act_name(act, texts))} ({code(act)})'
    yield "".join(f"- {addressed(fact)}\n" for fact in act_facts(act, texts))
    rows = (_provision(act, provision, texts) for provision in provisions_of(act, texts))
    yield table(_headers(_PROVISION, texts), rows)


def _provision(act: str, provision: str, texts: Texts) -> Sequence[str]:
    place, title = locator(act, provision, texts)
    found = resting(act, provision, texts)
    controls = [f"{_linked(one.control, texts)}: {escape(link_said(one.link, texts))}" for one in found]
    return (
        f"{escape(place)} {code(provision)}",
        escape(title),
        _BREAK.join(controls) or escape(texts.say("law.no_control")),
        escape(joined((*days(act, provision, texts), verified(act, provision, texts)))),
    )


def _linked(control: str, texts: Texts) -> str:
    return linked(control, texts.catalog, "controls/")


def _headers(codes: Sequence[str], texts: Texts) -> list[str]:
    return [escape(texts.say(name)) for name in codes]
