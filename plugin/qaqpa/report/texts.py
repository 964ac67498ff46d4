# SPDX-License-Identifier: Apache-2.0
"""Turns codes and values into sentences, from the catalog and the report's own texts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from qaqpa.escape import visible
from qaqpa.model import Json, JsonObject, Strength
from qaqpa.policy.bundle import Catalog
from qaqpa.report.codes import REJECTION_CODES, nearest_first
from qaqpa.report.forms import fill, tidy
from qaqpa.report.strings import template

_LACKING = frozenset({"evidence_missing", "evidence_refused", "evidence_too_weak"})
_ENDED = "evidence_ended"
_OF_THE_GATE = _LACKING | {_ENDED, "waiver_not_allowed"}
_WEAKER = (Strength.DECLARED.value, Strength.SIGNED.value)
_DEMANDS = frozenset({Strength.SIGNED.value, Strength.INDEPENDENT.value})


@dataclass(frozen=True)
class Texts:
    """All texts in one language. A text that is missing is replaced by its code, never by nothing."""

    catalog: Catalog
    language: str = "en"

    def say(self, code: str, /, **values: Json) -> str:
        """One of the report's own texts."""
        found = template(code, self.language)
        return self.fill(found, values) if found else visible(code)

    def fill(self, text: str, values: Mapping[str, Json]) -> str:
        """A text with its values in the form of the language."""
        return fill(text, values, self.language)

    def subject(self, subject: JsonObject) -> str:
        """What was judged: the registered model, and its version where it has one. Made harmless."""
        if not subject["version"]:
            return visible(subject["name"])
        return self.say("subject.version", name=subject["name"], version=subject["version"])

    def context_fields(self, names: Sequence[str]) -> list[str]:
        """Fields of the context as people call them, each with its name."""
        called = {name: self.say(f"field.{name}") for name in names}
        return [f"{said} ({name})" for name, said in called.items()]

    def kind_named(self, kind: str) -> str:
        """A kind of evidence by its name, which is an English word, and in other languages with its title."""
        title = template(f"kind.{kind}", self.language)
        return kind if self.language == "en" or not title else f"{kind} ({title})"

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

    def kind(self, kind: str, title: str) -> str:
        """What a kind of evidence is called; its `title` where the reports have no words for it."""
        return template(f"kind.{kind}", self.language) or title

    def family(self, family: str) -> str:
        """What a family of controls is called."""
        return template(f"family.{family}", self.language) or family

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
        found = self._texts(control).get("violations", {}).get(code)
        said = self.fill("{code}: {found} ({required})" if found is None else found, {**violation, **values})
        if "ended_since" not in violation:
            return said
        return f"{said} {self.say('rollback.since', decision=str(violation['ended_since']))}"

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
        detail = "" if "{detail}" in template(code, self.language) else problem["detail"]
        return self.say(code, detail=problem["detail"]), detail

    def reason(self, code: str) -> str:
        """Why evidence was refused, in a few words."""
        return self.say(f"reason.{code}") if code in REJECTION_CODES else visible(code)

    def remedy(self, code: str) -> str:
        """What to do about evidence that was refused, and whom to ask; empty for a code that is not known."""
        return self.say(f"remedy.{code}") if code in REJECTION_CODES else ""

    def in_language(self, thing: JsonObject) -> Mapping[str, Json]:
        """The texts of a card, a profile, an act or a provision, in English where it has none in this language."""
        texts = thing.get("texts", {})
        found: Mapping[str, Json] = texts.get(self.language) or texts.get("en") or {}
        return found

    def _values(self, violation: JsonObject) -> dict[str, Json]:
        values = {name: violation[name] for name in ("found", "required", "field")}
        if violation["code"] == _ENDED:
            values["required"] = str(values["required"])
        if violation["code"] in {*_LACKING, _ENDED} and isinstance(values["field"], str):
            values["field"] = self.kind_named(values["field"])
        if violation["code"] == "evidence_refused":
            values["found"] = "; ".join(map(self.reason, nearest_first(codes_in(violation)))) or values["found"]
        elif violation["code"] == "evidence_too_weak":
            strengths = [strength for strength in _WEAKER if strength in codes_in(violation)]
            values["found"] = "; ".join(self.say(f"had.{strength}") for strength in strengths) or values["found"]
        return values

    @staticmethod
    def worst_first(finding: JsonObject) -> list[JsonObject]:
        """A finding's violations, those that deny first."""
        return sorted(finding["violations"], key=lambda violation: not Texts.denies(violation))

    @staticmethod
    def denies(violation: JsonObject) -> bool:
        """True where a profile denies for a violation."""
        return any(entry["severity"] == "deny" for entry in violation["asked_by"])

    def provision(self, act: str, provision: str) -> JsonObject:
        """What the law's data say of a provision; empty where they do not know it."""
        found: JsonObject = self.catalog.law.get(act, {}).get("provisions", {}).get(provision, {})
        return found

    def provision_named(self, act: str, provision: str) -> str:
        """A provision by its act, its place in it, and what it provides."""
        own = self.in_language(self.provision(act, provision))
        named = self.in_language(self.catalog.law.get(act, {}))
        name = visible(named.get("short", named.get("title", act)))
        return f"{name}, {visible(own.get('locator', provision))}: {tidy(own.get('title', provision))}"

    def reservations(self, act: str, provision: str) -> list[str]:
        """What has to be said with a provision whose text was not read at its source, or has to be read again."""
        found = self.provision(act, provision)
        how = self.say(f"verification.{found.get('verification', 'recalled')}")
        unread = [] if found.get("verified") else [self.say("unverified", how=how)]
        return [*unread, *([self.say("recheck")] if found.get("recheck") else [])]

    def profile(self, profile: str, name: str) -> str:
        """The `title` or the `description` of a profile."""
        found: str = self.in_language(self.catalog.profiles.get(profile, {})).get(name, profile)
        return tidy(found)

    def decided(self, control: str) -> list[str]:
        """What we decided where the sources of a control leave room."""
        return [tidy(text) for text in self._texts(control).get("decided", [])]

    def applies(self, control: str) -> str:
        """To which systems a control applies."""
        return self._card_text(control, "applies")

    def violation_text(self, control: str, code: str) -> str:
        """The text of a violation with its placeholders."""
        return tidy(self._texts(control).get("violations", {}).get(code, code))

    def _card_text(self, control: str, name: str) -> str:
        found: str = self._texts(control).get(name, "")
        return tidy(found)

    def _texts(self, control: str) -> Mapping[str, Json]:
        return self.in_language(self.catalog.controls.get(control) or {})


def codes_in(violation: JsonObject) -> list[str]:
    """The codes that a violation found. A server may answer anything there, so what is no list of texts is none."""
    found = violation["found"]
    return [code for code in found if isinstance(code, str)] if isinstance(found, (list, tuple)) else []
