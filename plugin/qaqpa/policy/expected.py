# SPDX-License-Identifier: Apache-2.0
"""What follows from a request and the data of the policies, without knowing a single rule.

The gate's Rego says the same. `qaqpa.policy.check` compares the two, so that an engine that passes over a missing
signature, an ended waiver or a colleague who was never asked is not believed.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping

from qaqpa.evidence.kinds import SYSTEM, WAIVER
from qaqpa.model import Json, JsonObject, Separation, Stage, Strength
from qaqpa.policy.bundle import Catalog
from qaqpa.policy.rollback import Since
from qaqpa.policy.severity import Circumstances, Severity

DENYING = frozenset({"actor_unknown", "bytes_elsewhere", "separation_of_duties"})
"""Codes of problems that deny by themselves; any other leaves a decision undecided where nothing fails."""

OWN_PROBLEMS = frozenset({"actor_unknown", "context_unsigned", "separation_of_duties"})
"""Codes of problems that follow from a request that fits its schema."""

_STRENGTHS = [strength.value for strength in Strength]


class Expected:
    """What has to be in the answer to one request, which fits `schemas/input.json`."""

    def __init__(self, request: JsonObject, catalog: Catalog) -> None:
        self._request = request
        self._cards: Mapping[str, JsonObject] = catalog.controls
        self._asked = catalog.asked(request["profiles"])
        self._production = request["stage"] == Stage.PRODUCTION.value
        self._severity = Severity(catalog, Circumstances.of(request))
        self._by_kind: dict[str, list[str]] | None = None
        self._counted: dict[str, list[JsonObject]] = {}
        self.since = Since.of(request, catalog)

    def minimum_strength(self, kind: str) -> str:
        """The least strength at which facts of a kind count."""
        demands: list[str] = [self._request["settings"]["minimum_strength"]]
        if self._production or kind == WAIVER:
            demands.append(Strength.SIGNED.value)
        if self._production:
            demands += self._demands().get(kind, ())
        return max(demands, key=_rank)

    def _demands(self) -> Mapping[str, list[str]]:
        """The least strengths that the cards of the controls that are asked name, by kind."""
        if self._by_kind is None:
            self._by_kind = {}
            for card in (self._cards.get(control, {}) for control in self._asked):
                for kind in card["evidence"] if "minimum_strength" in card else ():
                    self._by_kind.setdefault(kind, []).append(card["minimum_strength"])
        return self._by_kind

    def counted(self, kind: str) -> list[JsonObject]:
        """The facts of a kind that are strong enough."""
        if kind not in self._counted:
            least = _rank(self.minimum_strength(kind))
            facts = self._request["evidence"].get(kind, ())
            strong = (fact for fact in facts if not fact["against_only"] and _rank(fact["strength"]) >= least)
            self._counted[kind] = list(strong)
        return self._counted[kind]

    def judged(self, kind: str) -> list[JsonObject]:
        """The facts of a kind by which a control is judged: those that count, and whatever else is signed."""
        counted = self.counted(kind)
        return [fact for fact in self._request["evidence"].get(kind, ()) if fact in counted or _rank(fact["strength"])]

    def ended(self, kinds: Iterable[str]) -> list[JsonObject]:
        """The violations that name the evidence of some kinds that has ended since the decision of the rollback."""
        return [self.since.violation(kind, fact) for kind in kinds for fact in self.judged(kind) if "ended_at" in fact]

    def ids(self, kinds: Iterable[str]) -> list[str]:
        """The ids of the facts of some kinds by which a control is judged, sorted."""
        return sorted(fact["id"] for kind in kinds for fact in self.judged(kind))

    def context_ids(self) -> list[str]:
        """The ids of the contexts that count, sorted: on them rests what does not apply."""
        return sorted(fact["id"] for fact in self.counted(SYSTEM))

    def lacking(self, kinds: Iterable[str]) -> list[JsonObject]:
        """The violations that say of which kinds nothing counts, and why."""
        return [self._lacking(kind) for kind in kinds if not self.counted(kind)]

    def asked_by(self, control: str, violation: JsonObject, demands: Mapping[str, JsonObject]) -> list[JsonObject]:
        """Who asks for a violation; which profiles it is about is believed only where its card says that it differs."""
        differs = violation["code"] in self._cards.get(control, {}).get("per_profile", ())
        named = [entry["profile"] for entry in violation["asked_by"]] if differs else ()
        return self._severity.asked_by(control, violation, demands, named)

    def waivers(self, control: str) -> list[JsonObject]:
        """The waivers that hold for a control at this moment and stage, as a finding lists them."""
        return [_listed(fact) for fact in self._naming(control)]

    def not_allowed(self, control: str) -> list[JsonObject]:
        """The violations that say that the waivers of a control do not help."""
        return [
            _violation("waiver_not_allowed", "warn", fact["id"], "waiver", control, "no waiver")
            for fact in self._naming(control)
        ]

    def problems(self) -> list[JsonObject]:
        """The problems of `OWN_PROBLEMS` that the request has for certain."""
        return self._own(_surely_folded)

    def conceivable_problems(self) -> list[JsonObject]:
        """Those and the ones that it may have: how the policies fold names beyond ASCII is theirs to know."""
        return self._own(_widely_folded)

    def _own(self, folded: Callable[[str], str]) -> list[JsonObject]:
        if not self._production:
            return []
        found = list(self._separation(folded))
        if self._request["context"] and not self.counted(SYSTEM):
            found.append({"code": "context_unsigned", "detail": ""})
        return found

    def _separation(self, folded: Callable[[str], str]) -> Iterator[JsonObject]:
        setting, actor = self._request["settings"]["separation_of_duties"], self._request["actor"]
        kinds = self._request["evidence"]
        signers = {folded(signer["id"]) for kind in kinds for fact in self.counted(kind) for signer in fact["signers"]}
        if actor is None:
            if setting == Separation.REQUIRED.value:
                yield {"code": "actor_unknown", "detail": ""}
        elif setting != Separation.OFF.value and signers == {folded(actor)}:
            yield {"code": "separation_of_duties", "detail": actor}

    def _lacking(self, kind: str) -> JsonObject:
        facts = self._request["evidence"].get(kind, ())
        weak = sorted(fact["strength"] for fact in facts if not fact["against_only"])
        refused = sorted(refusal["code"] for refusal in self._request["rejected"] if refusal["kind"] == kind)
        code = "evidence_too_weak" if weak else "evidence_refused" if refused else "evidence_missing"
        return _violation(code, "deny", "", kind, weak or refused, self.minimum_strength(kind))

    def _naming(self, control: str) -> Iterator[JsonObject]:
        for fact in self.counted(WAIVER):
            waiver = fact["predicate"]
            holds = fact["expires_at"]["seconds"] > self._request["now"]["seconds"]
            if holds and self._is_for_this_stage(waiver) and control in waiver["controls"]:
                yield fact

    def _is_for_this_stage(self, waiver: JsonObject) -> bool:
        """A review promotes nothing, and shows waivers for a later stage too."""
        stage = self._request["stage"]
        return stage == Stage.REVIEW.value or bool(waiver["stage"] == stage)


def _surely_folded(name: str) -> str:
    """A name that whoever reads it takes for the same, without case and blanks; beyond ASCII as it is."""
    return " ".join(name.lower().split()) if name.isascii() and name.isprintable() else name


def _widely_folded(name: str) -> str:
    """The letters and digits alone of a name, of whatever case and width."""
    return "".join(filter(str.isalnum, unicodedata.normalize("NFKC", name).casefold()))


def _rank(strength: str) -> int:
    """The place of a strength; one that is not known counts as the strongest."""
    return _STRENGTHS.index(strength) if strength in _STRENGTHS else len(_STRENGTHS) - 1


def _listed(fact: JsonObject) -> JsonObject:
    return {
        "id": fact["id"],
        **{name: fact["predicate"][name] for name in ("category", "reason", "ticket")},
        "compensating": fact["predicate"].get("compensating", []),
        "until": fact["expires_at"],
        "signers": sorted(signer["id"] for signer in fact["signers"]),
    }


def _violation(  # noqa: PLR0913 - each argument is a field of the violation
    code: str, level: str, evidence: str, field: str, found: Json, required: str
) -> JsonObject:
    return {
        "code": code,
        "level": level,
        "evidence": evidence,
        "field": field,
        "found": found,
        "required": required,
    }
