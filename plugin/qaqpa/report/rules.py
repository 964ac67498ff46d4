# SPDX-License-Identifier: Apache-2.0
"""The rules of a SARIF report: what a result breaks, in words that a viewer shows beside it."""

from __future__ import annotations

import re

from qaqpa.escape import visible
from qaqpa.model import JsonObject
from qaqpa.report.markdown_text import escape
from qaqpa.report.results import Result
from qaqpa.report.texts import Texts

MAX_TEXT = 1000
"""Longest text of a rule or a result, in characters; GitHub shows no more."""

_SEVERITY = {"error": "error", "warning": "warning", "note": "recommendation"}
_CODE = re.compile(r"[a-z][a-z0-9_]*")
_WORD = re.compile(r"[A-Za-z0-9]+")


def rule_id(result: Result) -> str:
    """The id of the rule that a result breaks: the control, or `gate/` with a code where it is about no single one."""
    # A server may answer with any code; as an id only one counts that is written as codes are.
    return result.control or f"gate/{result.code if _CODE.fullmatch(result.code) else 'unknown'}"


def rule(result: Result, texts: Texts) -> JsonObject:
    """The rule that a result breaks; nothing here depends on what was found."""
    control = result.control
    title = texts.title(control) if control else result.title
    requirement = texts.requirement(control) if control else ""
    parts = [
        (texts.say("finding.required"), requirement or title),
        (texts.say("finding.mend"), texts.mend(control) if control else result.mend),
        (texts.say("report.cannot_prove"), texts.cannot_prove(control) if control else ""),
    ]
    told = [(label, text) for label, text in parts if text]
    card = texts.catalog.controls.get(control) or {}
    return {
        "id": rule_id(result),
        "name": _name(result, texts),
        "shortDescription": {"text": plain(title)},
        "fullDescription": {"text": plain(requirement or title)},
        "help": {
            "text": "\n".join(plain(f"{label} {text}") for label, text in told),
            "markdown": "\n\n".join(f"**{escape(label)}** {escape(text)}" for label, text in told),
        },
        "defaultConfiguration": {"level": "error"},
        "properties": {
            "tags": ["governance", *([str(card["family"])] if "family" in card else [])],
            "precision": "very-high",
            "problem.severity": _SEVERITY[result.shown],
        },
    }


def plain(text: str) -> str:
    """A text as SARIF wants it: short, with braces doubled, and with no link in it."""
    return visible(text.replace("](", "] ("), MAX_TEXT).replace("{", "{{").replace("}", "}}")


def _name(result: Result, texts: Texts) -> str:
    """The English title in one word, the same in every report; the code where it has none."""
    title = texts.catalog.controls.get(result.control, {}).get("texts", {}).get("en", {}).get("title", "")
    words = _WORD.findall(title) or _WORD.findall(result.code)
    return "".join(word[0].upper() + word[1:] for word in words) or "Gate"
