# SPDX-License-Identifier: Apache-2.0
"""Attacks on evidence, each with the code by which it must fail. They are run through every route."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from attacks.scene import DAY, Scene, carry, envelope, in_base64, with_fields
from qaqpa.evidence.carriers import Carried
from qaqpa.evidence.envelope import parse_envelope
from qaqpa.evidence.statement import context_digest
from support.contents import waiver, withdrawal

LAX = {
    "affects_rights": False,
    "significant_decision": False,
    "personal_data": False,
    "kz_risk": "minimal",
    "automation": "advisory",
    "jurisdictions": ["OTHER"],
}
"""A context in which hardly anything would be asked."""


@dataclass(frozen=True)
class Attack:
    """What somebody adds to sound evidence of which `without` is missing, and the code by which it fails."""

    name: str
    code: str
    make: Callable[[Scene], Iterable[Carried]]
    without: tuple[str, ...] = ("audit",)
    broken_file: bool = False


def audit(name: str, code: str, make: Callable[[Scene], Carried], *, broken_file: bool = False) -> Attack:
    """An attack that hands in one audit where none is."""
    return Attack(name, code, lambda scene: [make(scene)], broken_file=broken_file)


def signed_by(signers: list[str], **changes: Any) -> Callable[[Scene], Carried]:
    return lambda scene: scene.of("audit", signers, **changes)


def issued(before: timedelta, signers: list[str] | None = None, **changes: Any) -> Callable[[Scene], Carried]:
    return lambda scene: scene.of("audit", signers, issued_at=scene.now - before, **changes)


def changed(change: Callable[[Any], object]) -> Callable[[Scene], Carried]:
    return lambda scene: scene.edited("audit", change)


def _twice(statement: Any) -> str:
    text = json.dumps(statement)
    return text[:-1] + ', "predicateType": ' + json.dumps(statement["predicateType"]) + "}"


def _nan(statement: Any) -> str:
    statement["predicate"]["content"]["valid_until"] = float("nan")
    return json.dumps(statement)


def _without_zone(statement: Any) -> None:
    statement["predicate"]["issuedAt"] = statement["predicate"]["issuedAt"].rstrip("Z")


def _two_subjects(statement: Any) -> None:
    statement["subject"] *= 2


def _other_predicate_type(statement: Any) -> None:
    statement["predicateType"] = "https://slsa.dev/provenance/v1"


def _nested(statement: Any) -> str:
    del statement
    return "[" * 30_000


def _altered(scene: Scene) -> Carried:
    negative = scene.of("audit", issued_at=scene.now - 3 * DAY)
    return with_fields(negative, payload=in_base64(scene.payload(scene.contents["audit"])))


def _forged_key_id(scene: Scene) -> Carried:
    own = json.loads(scene.of("audit", ["auditor"]).text)["signatures"][0]["keyid"]
    piece = scene.of("audit", ["stranger"])
    return with_fields(piece, signatures=[{**json.loads(piece.text)["signatures"][0], "keyid": own}])


def _keys_twice(scene: Scene) -> Carried:
    piece = scene.of("audit")
    return Carried(piece.source, piece.text[:-1] + ', "payloadType": "application/vnd.in-toto+json"}', "audit")


def _other_payload_type(scene: Scene) -> Carried:
    payload = scene.payload(scene.contents["audit"])
    return carry(envelope(payload, ["auditor"], "application/json"), "audit", payload)


def _of_another_model(scene: Scene) -> Carried:
    return Scene("other", "cd" * 32, scene.now).of("audit")


def _other_system(scene: Scene) -> Carried:
    return scene.of("audit", context_digest=context_digest(scene.context(system_id="6" * 32)))


def _hidden(scene: Scene) -> list[Carried]:
    failed = {**scene.contents["audit"], "conclusion": "negative"}
    return [scene.signed(failed), scene.of("audit", issued_at=scene.now - 30 * DAY)]


def _failed(scene: Scene, signers: list[str], **changes: Any) -> Carried:
    return scene.signed({**scene.contents["audit"], "conclusion": "negative"}, signers, **changes)


def _naming_the_auditor(signers: list[str]) -> Callable[[Scene], list[Carried]]:
    """A failed audit, a good one by somebody else, and a claim that the first auditor trained the model."""

    def make(scene: Scene) -> list[Carried]:
        persons = [{"id": "auditor", "role": "trainer"}]
        claim = scene.signed({**scene.contents["responsibility"], "persons": persons}, signers)
        return [_failed(scene, ["auditor"]), scene.of("audit", ["second"]), claim]

    return make


def _beside_a_good_one(signers: list[str]) -> Callable[[Scene], list[Carried]]:
    return lambda scene: [_failed(scene, signers), scene.of("audit", ["second"])]


def _withdrawn_by_another(scene: Scene) -> list[Carried]:
    failed = scene.signed({**scene.contents["audit"], "conclusion": "negative"})
    payload = scene.payload(withdrawal(parse_envelope(failed.text).id))
    return [failed, carry(envelope(payload, ["owner"]), "withdrawal", payload)]


def lowered(name: str, code: str, signers: list[str], **changes: Any) -> Attack:
    """An attack that describes the system as harmless, where an audit would be needed."""
    fields = {"version": 6, **LAX, **changes}
    return Attack(name, code, lambda scene: [scene.signed(scene.context(**fields), signers)])


def waived(name: str, code: str, signers: list[str] | None = None, *, content: Any = None, **changes: Any) -> Attack:
    """An attack that waives the control that needs an audit."""
    wanted = {"controls": ["AUD-01"], **(content or {})}
    return Attack(name, code, lambda scene: [scene.signed(waiver(**wanted), signers, **_times(scene, changes))])


def _times(scene: Scene, changes: dict[str, Any]) -> dict[str, Any]:
    return {name: scene.now + value if isinstance(value, timedelta) else value for name, value in changes.items()}


def _without_end(scene: Scene) -> list[Carried]:
    return [scene.signed(waiver(controls=["AUD-01"]), expires_at=None)]


def _wildcard(scene: Scene) -> list[Carried]:
    payload = json.loads(scene.payload(waiver()))
    payload["predicate"]["content"]["controls"] = ["*"]
    raw = json.dumps(payload).encode()
    return [carry(envelope(raw, ["risk"]), "waiver", raw)]


def _old_context_again(scene: Scene) -> list[Carried]:
    lax = scene.context(version=4, **LAX)
    digest = context_digest(lax)
    said = [scene.of(name, context_digest=digest) for name in ("legal_basis", "responsibility", "classification")]
    return [scene.signed(lax), *said]


def _old_context_after_the_end(scene: Scene) -> list[Carried]:
    ended = scene.signed(scene.context(version=6), expires_at=scene.now - DAY)
    return [ended, scene.signed(scene.context(version=4, **LAX))]


ATTACKS = [
    audit("other bytes", "other_model", lambda scene: scene.of("audit", model_digest="cd" * 32)),
    audit("a statement of another model copied over", "other_model", _of_another_model),
    audit("altered payload", "untrusted_signature", _altered),
    audit("unknown key", "untrusted_signature", signed_by(["stranger"])),
    audit("forged key id", "untrusted_signature", _forged_key_id),
    audit("the trainer as auditor", "not_independent", signed_by(["trainer"])),
    audit("the owner as auditor", "not_independent", signed_by(["owner"])),
    audit("somebody of their unit as auditor", "same_unit", signed_by(["peer"])),
    audit("wrong role", "wrong_role", signed_by(["dpo"])),
    audit("discipline not held", "wrong_discipline", signed_by(["auditor2"])),
    audit("expired by policy though not by statement", "expired_by_rule", issued(91 * DAY)),
    audit("expired", "expired", lambda scene: scene.of("audit", expires_at=scene.now - DAY)),
    audit("dated in the future", "dated_in_future", issued(-DAY)),
    audit("time without zone", "malformed", changed(_without_zone)),
    audit("signed before the key was revoked", "key_revoked", signed_by(["revoked"])),
    audit("signed after the key was revoked", "key_revoked", issued(timedelta(hours=1), ["revoked"])),
    audit("signed by somebody who left", "key_revoked", signed_by(["left"])),
    audit("signed before the key was compromised", "key_compromised", signed_by(["compromised"])),
    audit("signed after the key was compromised", "key_compromised", issued(timedelta(hours=1), ["compromised"])),
    audit("a key that has ended since", "key_expired", signed_by(["ended"])),
    audit("a key that had ended before", "key_not_valid_then", issued(timedelta(hours=1), ["ended"])),
    audit("duplicate keys in the statement", "malformed", changed(_twice)),
    audit("duplicate keys in the envelope", "malformed", _keys_twice, broken_file=True),
    audit("NaN", "malformed", changed(_nan)),
    audit("deep nesting", "malformed", changed(_nested)),
    audit("wrong payload type", "payload_type", _other_payload_type),
    audit("wrong predicate type", "unknown_kind", changed(_other_predicate_type)),
    audit("two subjects", "two_subjects", changed(_two_subjects)),
    audit("the same bytes audited in another system", "other_context", _other_system),
    Attack(
        "second key of the same person",
        "too_few_signers",
        lambda scene: [scene.of("ethics_assessment", ["auditor", "auditor/1"])],
        without=("ethics_assessment",),
    ),
    Attack("a failed audit behind an older good one", "conclusion_negative", _hidden),
    Attack("a failed audit that somebody else withdrew", "conclusion_negative", _withdrawn_by_another),
    Attack("a failed audit whose auditor nobody calls a trainer", "conclusion_negative", _naming_the_auditor([])),
    Attack(
        "a failed audit whose auditor an engineer calls a trainer", "conclusion_negative", _naming_the_auditor(["dpo"])
    ),
    Attack(
        "a failed audit whose auditor the owner calls a trainer", "conclusion_negative", _naming_the_auditor(["owner"])
    ),
    Attack("a failed audit by somebody of the trainer's unit", "conclusion_negative", _beside_a_good_one(["peer"])),
    Attack("a failed audit whose auditor left", "conclusion_negative", _beside_a_good_one(["left"])),
    Attack("a failed audit whose auditor's key has ended", "conclusion_negative", _beside_a_good_one(["ended"])),
    lowered("a context lowered by nobody", "context_unsigned", []),
    lowered("a context lowered by the trainer", "not_independent", ["trainer"]),
    lowered("a context lowered by a colleague of the trainer", "same_unit", ["peer"]),
    lowered("a context lowered by somebody without the role", "wrong_role", ["dpo"]),
    lowered("a context of another model", "other_model", ["risk"], models=[{"name": "other"}]),
    lowered("an older context", "other_context", ["risk"], version=4),
    lowered("another context of the same version", "context_conflict", ["risk"], version=5),
    Attack("an old lax context with all that was said of it", "other_context", _old_context_again),
    Attack("an old lax context after the end of the new one", "other_context", _old_context_after_the_end),
    waived("a waiver for another digest", "other_model", model_digest="cd" * 32),
    waived("a waiver for another system", "other_context", context_digest="cd" * 32),
    Attack("a waiver without an end", "waiver_without_end", _without_end),
    waived("a waiver for too long", "waiver_too_long", expires_at=30 * DAY),
    Attack("a waiver with a wildcard", "schema_violated", _wildcard),
    waived("a waiver by the owner", "not_independent", ["owner"]),
    waived("a waiver by whoever asked for it", "not_independent", content={"requested_by": "risk"}),
    waived("a waiver by nobody", "untrusted_signature", []),
    Attack(
        "a waiver for a control that cannot be waived",
        "waiver_not_allowed",
        lambda scene: [scene.signed(waiver(controls=["DPB-01"]))],
        without=("legal_basis",),
    ),
]
