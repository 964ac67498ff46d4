# SPDX-License-Identifier: Apache-2.0
"""Turns codes and values into sentences, from the catalog and the report's own texts."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from qaqpa.escape import MAX_SHOWN, visible
from qaqpa.model import Json, JsonObject, Strength
from qaqpa.policy.bundle import Catalog
from qaqpa.report.codes import REJECTION_CODES, nearest_first

_PLACEHOLDER = re.compile(r"\{([a-z_]+(?:\.[a-z_]+)*)\}")
_MAX_FILLED = 2 * MAX_SHOWN
_LACKING = frozenset({"evidence_missing", "evidence_refused", "evidence_too_weak"})
_OF_THE_GATE = _LACKING | {"waiver_not_allowed"}
_WEAKER = (Strength.DECLARED.value, Strength.SIGNED.value)
_DEMANDS = frozenset({Strength.SIGNED.value, Strength.INDEPENDENT.value})
_TEXTS = Path(__file__).parent / "texts"


@dataclass(frozen=True)
class Texts:
    """All texts in one language. A text that is missing is replaced by its code, never by nothing."""

    catalog: Catalog
    language: str = "en"

    def say(self, code: str, /, **values: Json) -> str:
        """One of the report's own texts."""
        template = self._template(code)
        return fill(template, values) if template else visible(code)

    def title(self, control: str) -> str:
        """A control's title."""
        return self._card_text(control, "title") or control

    def requirement(self, control: str) -> str:
        """What a control requires."""
        return self._card_text(control, "requirement")

    def mend(self, control: str) -> str:
        """How a control's violations are mended."""
        return self._card_text(control, "mend")

    def cannot_prove(self, control: str) -> str:
        """What a pass of the control does not show."""
        return self._card_text(control, "cannot_prove")

    def actor(self, control: str) -> str:
        """The role that has to act first."""
        actors = (self.catalog.controls.get(control) or {}).get("actors") or ["model_owner"]
        return self.say(f"actor.{actors[0]}")

    def kinds(self, control: str) -> int:
        """How many kinds of evidence a control needs."""
        return len((self.catalog.controls.get(control) or {}).get("evidence", []))

    def violation(self, control: str, violation: JsonObject) -> str:
        """A violation as a sentence; where evidence lacks, also who has to sign it."""
        code, values = violation["code"], self._values(violation)
        if code in _OF_THE_GATE:
            sentence = self.say(f"code.{code}", **values)
            must = self.must(violation) if code in _LACKING else ""
            return f"{sentence} {self.say('must.sentence', must=must)}" if must else sentence
        template = self._texts(control).get("violations", {}).get(code)
        if template is None:
            return fill("{code}: {found} ({required})", violation)
        return fill(template, values)

    @staticmethod
    def lacks(violation: JsonObject) -> bool:
        """True where evidence lacks: it is missing, was refused, or is too weak. The gate itself reports that."""
        return str(violation["code"]) in _LACKING

    def cause(self, violation: JsonObject) -> str:
        """Why evidence lacks, in a few words; the same for all that lack for the same reason."""
        cause = self.say(f"cause.{violation['code']}", **self._values(violation))
        must = self.must(violation)
        return f"{cause}{self.say('must.cause', must=must)}" if must else cause

    def must(self, violation: JsonObject) -> str:
        """Who has to sign the evidence that lacks; empty where nobody has to."""
        required = violation["required"]
        known = isinstance(required, str) and required in _DEMANDS
        return self.say(f"must.{required}") if known else ""

    def problem(self, problem: JsonObject) -> tuple[str, str]:
        """A problem as sentences, and its detail where they do not hold it."""
        code = f"problem.{problem['code']}"
        detail = "" if "{detail}" in self._template(code) else problem["detail"]
        return self.say(code, detail=problem["detail"]), detail

    def reason(self, code: str) -> str:
        """Why evidence was refused, in a few words."""
        return self.say(f"reason.{code}") if code in REJECTION_CODES else visible(code)

    def remedy(self, code: str) -> str:
        """What to do about evidence that was refused, and whom to ask; empty for a code that is not known."""
        return self.say(f"remedy.{code}") if code in REJECTION_CODES else ""

    def _template(self, code: str) -> str:
        return _strings(self.language).get(code) or _strings("en").get(code) or ""

    def _values(self, violation: JsonObject) -> dict[str, Json]:
        values = {name: violation[name] for name in ("found", "required", "field")}
        if violation["code"] == "evidence_refused":
            values["found"] = "; ".join(map(self.reason, nearest_first(codes_in(violation)))) or values["found"]
        elif violation["code"] == "evidence_too_weak":
            strengths = [strength for strength in _WEAKER if strength in codes_in(violation)]
            values["found"] = "; ".join(self.say(f"had.{strength}") for strength in strengths) or values["found"]
        return values

    @staticmethod
    def worst_first(finding: JsonObject) -> list[JsonObject]:
        """A finding's violations, those that deny first."""
        return sorted(finding["violations"], key=lambda violation: violation["level"] != "deny")

    def because(self, control: str) -> list[str]:
        """The provisions that a control rests on, with how strongly and how well their text was verified."""
        lines = []
        for rest in (self.catalog.controls.get(control) or {}).get("provisions", []):
            act = self.catalog.law.get(rest["act"], {})
            provision = act.get("provisions", {}).get(rest["provision"], {})
            title = self._in_language(provision).get("title", rest["provision"])
            notes = [self.say(f"strength.{rest['strength']}")]
            if not provision.get("verified"):
                notes.append(self.say("unverified"))
            name = self._in_language(act).get("short", self._in_language(act).get("title", rest["act"]))
            lines.append(f"{name}, {provision.get('locator', '')}: {title} ({'; '.join(notes)})")
        return lines

    def _card_text(self, control: str, name: str) -> str:
        found: str = self._texts(control).get(name, "")
        return found.strip()

    def _texts(self, control: str) -> Mapping[str, Json]:
        return self._in_language(self.catalog.controls.get(control) or {})

    def _in_language(self, thing: JsonObject) -> Mapping[str, Json]:
        texts = thing.get("texts", {})
        found: Mapping[str, Json] = texts.get(self.language) or texts.get("en") or {}
        return found


def codes_in(violation: JsonObject) -> list[str]:
    """The codes that a violation found. A server may answer anything there, so what is no list of texts is none."""
    found = violation["found"]
    return [code for code in found if isinstance(code, str)] if isinstance(found, (list, tuple)) else []


def fill(template: str, values: Mapping[str, Json]) -> str:
    """Replaces `{name}` and `{name.key}`; values are hostile and are made visible and short, templates are ours."""

    def replacement(match: re.Match[str]) -> str:
        value: Json = values
        for part in match[1].split("."):
            value = value.get(part, "?") if isinstance(value, Mapping) else "?"
        text = shown(value)
        return text if len(text) <= _MAX_FILLED else f"{text[:_MAX_FILLED]}…"

    return _PLACEHOLDER.sub(replacement, " ".join(template.split()))


def shown(value: Json) -> str:
    """A JSON value as people read it; a share of counts with its percentage."""
    if isinstance(value, Mapping) and set(value) == {"part", "whole"} and _is_share(value["part"], value["whole"]):
        return f"{100 * value['part'] / value['whole']:.1f} % ({value['part']} of {value['whole']})"
    if isinstance(value, bool) or value is None:
        return json.dumps(value)
    if isinstance(value, (list, tuple)):
        return ", ".join(shown(item) for item in value) or "none"
    if isinstance(value, Mapping):
        return ", ".join(f"{visible(name)} {shown(item)}" for name, item in value.items())
    return visible(value) if str(value) else "nothing"


def _is_share(part: Json, whole: Json) -> bool:
    counts = all(isinstance(count, int) and not isinstance(count, bool) for count in (part, whole))
    return counts and whole > 0


@lru_cache(maxsize=8)
def _strings(language: str) -> dict[str, str]:
    path = _TEXTS / f"{language}.json"
    found: dict[str, str] = json.loads(path.read_bytes()) if path.is_file() else {}
    return found
