# SPDX-License-Identifier: Apache-2.0
"""Parts of a request and of the decision about it, with a small catalog of three controls."""

from __future__ import annotations

from typing import Any

import pytest

from qaqpa.errors import UndecidedError
from qaqpa.policy.bundle import Catalog
from qaqpa.policy.check import check_document

NOW = {"text": "2026-11-23T00:00:00Z", "seconds": 1795392000}
LATER = {"text": "2027-01-01", "seconds": 1798761600}
CATALOG = Catalog(
    controls={name: {"evidence": ["audit"], "waivable": True} for name in ("AAA-01", "AAA-02", "AAA-03")},
    profiles={
        "now": {"controls": {"AAA-01": {"severity": "deny"}, "AAA-02": {"severity": "warn"}}},
        "later": {"controls": {"AAA-03": {"severity": "deny", "applies_from": LATER["text"]}}},
    },
    law={},
)
WAIVED = {
    "id": "w1",
    "category": "waiver",
    "reason": "It comes next week.",
    "ticket": "T-1",
    "compensating": [],
    "until": LATER,
    "signers": ["ann", "bob"],
}


def asked(profile: str = "now", severity: str = "deny", *days: dict[str, Any]) -> list[dict[str, Any]]:
    """One profile that asks for a violation, on no provision."""
    return [{"profile": profile, "basis": "product_default", "severity": severity, "from": list(days)}]


def violation(
    level: str = "deny", profile: str = "now", severity: str = "deny", *days: dict[str, Any]
) -> dict[str, Any]:
    """What a rule has against the evidence, and who asks for it."""
    found = {"code": "bad", "level": level, "evidence": "f1", "field": "x", "found": 1, "required": 2}
    return {**found, "asked_by": asked(profile, severity, *days)}


MILD = violation("deny", "now", "warn")
"""A violation of AAA-02, of which the profile only warns."""

EARLY = violation("deny", "later", "warn", LATER)
"""A violation of AAA-03 before its day."""


def finding(control: str, profile: str, status: str = "pass", **changes: Any) -> dict[str, Any]:
    """What is decided about a control that a profile asks for."""
    empty = {"violations": [], "not_applicable_because": [], "evidence": ["f1"], "denies_from": [], "waivers": []}
    return {"control": control, "status": status, "profiles": [profile], **empty, **changes}


def signer(name: str) -> dict[str, Any]:
    """Who signed, and is independent."""
    return {"id": name, "unit": "u", "roles": ["auditor"], "disciplines": [], "independent": True}


def fact(name: str, predicate: dict[str, Any] | None = None, **changes: Any) -> dict[str, Any]:
    """Evidence that ann and bob signed."""
    times = {"issued_at": None, "expires_at": None}
    signed = {"strength": "signed", "envelope": "ef", "signers": [signer("bob"), signer("ann")]}
    return {
        "id": name,
        "source": "s",
        **times,
        **signed,
        "against_only": False,
        "predicate": predicate or {},
        **changes,
    }


def waiver(*controls: str, **changes: Any) -> dict[str, Any]:
    """A waiver in force that `WAIVED` repeats."""
    texts = {"category": "waiver", "reason": "It comes next week.", "ticket": "T-1", "requested_by": "eve"}
    return fact("w1", {"stage": "production", "controls": list(controls), **texts, **changes}, expires_at=LATER)


def failed(document: dict[str, Any], **changes: Any) -> None:
    """Lets the first control fail, and with it the verdict."""
    first = finding("AAA-01", "now", "fail", violations=[violation()])
    document.update(verdict="deny", findings=[first, *document["findings"][1:]], **changes)


def expect_unsound(
    document: dict[str, Any], request_document: dict[str, Any], why: str, catalog: Any = CATALOG
) -> None:
    """Expects that the check finds fault with the decision, and says why."""
    with pytest.raises(UndecidedError, match=why):
        check_document(document, request_document, catalog)
