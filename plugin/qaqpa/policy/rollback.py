# SPDX-License-Identifier: Apache-2.0
"""What follows from the earlier decision to which a model goes back, without knowing a single rule.

The gate's Rego (`policies/gate/rollback.rego`) says the same: `qaqpa.policy.check` compares the two.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from qaqpa.evidence.kinds import WAIVER
from qaqpa.model import JsonObject, Stage
from qaqpa.policy.bundle import Catalog

LONGEST_DAYS = 90
"""How long ago the earlier decision may be."""

EVIDENCE_ENDED = "evidence_ended"
"""The code of the violation that names evidence which has ended since."""

_DAY_SECONDS = 86400


@dataclass(frozen=True)
class Since:
    """The earlier decision of a request, None where there is none, and the cards of the controls."""

    rollback: JsonObject | None
    request: JsonObject
    catalog: Catalog

    @classmethod
    def of(cls, request: JsonObject, catalog: Catalog) -> Since:
        """That of an input document that fits its schema."""
        return cls(request.get("rollback"), request, catalog)

    def told(self) -> JsonObject | None:
        """What the decision document says of it; None where it says nothing."""
        if self.rollback is None:
            return None
        kinds = self.request["evidence"].items()
        ended = [
            {"kind": kind, "id": fact["id"], "ended_at": fact["ended_at"]}
            for kind, facts in kinds
            for fact in facts
            if "ended_at" in fact
        ]
        return {**self.rollback, "ended": sorted(ended, key=_order)}

    def violation(self, kind: str, fact: JsonObject) -> JsonObject:
        """The violation that names a fact which has ended since."""
        decision = self.rollback["decision"] if self.rollback else None
        return {
            "code": EVIDENCE_ENDED,
            "level": "warn",
            "evidence": fact["id"],
            "field": kind,
            "found": fact["ended_at"]["text"],
            "required": decision,
            "ended_since": decision,
        }

    def may_mark(self, control: str, violation: JsonObject) -> bool:
        """True where a violation may say that it merely came up since: by its code, and of the right decision."""
        if "ended_since" not in violation:
            return True
        if self.rollback is None or violation["ended_since"] != self.rollback["decision"]:
            return False
        codes = self.catalog.controls.get(control, {}).get("expires", ())
        return violation["code"] == EVIDENCE_ENDED or violation["code"] in codes


def objections(request: JsonObject) -> Iterator[str]:
    """Why an input document that fits its schema goes back in a way that cannot be; nothing where it does not."""
    back, now = request.get("rollback"), request["now"]["seconds"]
    then = back["allowed_at"]["seconds"] if back else now
    if back and (request["stage"] == Stage.REVIEW.value or request["as_of"]):
        yield "rollback: nothing is served at this stage, or as of this day"
    if not 0 <= now - then <= LONGEST_DAYS * _DAY_SECONDS:
        yield f"rollback: the decision is not one of the last {LONGEST_DAYS} days"
    for kind, facts in request["evidence"].items():
        for number, fact in enumerate(facts):
            if "ended_at" in fact and not _is_since(kind, fact, then, now):
                yield f"evidence/{kind}/{number}/ended_at: it did not end between that decision and now"


def _is_since(kind: str, fact: JsonObject, then: int, now: int) -> bool:
    return kind != WAIVER and not fact["against_only"] and then < fact["ended_at"]["seconds"] <= now


def _order(entry: JsonObject) -> tuple[Any, ...]:
    """As OPA sorts objects: by their keys in order, then by the values of these keys."""
    ended = entry["ended_at"]
    return ended["seconds"], ended["text"], entry["id"], entry["kind"]
