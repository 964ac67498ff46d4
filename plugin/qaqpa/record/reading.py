# SPDX-License-Identifier: Apache-2.0
"""Reads a verdict from a file, in either form, and believes nothing in it before the gate's key has signed it."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from qaqpa import times
from qaqpa.documents import DocumentError, parse_json, validator
from qaqpa.errors import UndecidedError
from qaqpa.evidence.envelope import IN_TOTO, SignedPayload, parse_envelope, signed_by
from qaqpa.evidence.errors import StatementError
from qaqpa.evidence.keys import PublicKey, fingerprint
from qaqpa.model import Json, JsonObject, Stage, Strength
from qaqpa.record.attest import BUNDLE_TYPE
from qaqpa.record.summary import (
    CONFIGURATION,
    CONTEXT,
    DECISION,
    ENDS_WITH,
    EXPIRES,
    FAILED,
    MODE,
    PARTIES,
    PASSED,
    PROFILES,
    STAGE,
    STRENGTH,
    SUBJECT,
    UNMET,
    WAIVERS,
    Model,
    Profile,
    Waived,
    levels,
    resource_uri,
)

MAX_BYTES = 2_000_000
"""Largest file of a verdict that is read, bytes."""

_BUNDLE_FIELDS = {"mediaType", "verificationMaterial", "dsseEnvelope"}
_MEND = "`qaqpa check --verdict DIR` writes both forms"


class NotAVerdictError(Exception):
    """What was signed, or by whom, is not what a verdict must be; the text is a sentence."""


@dataclass(frozen=True)
class SignedVerdict:
    """A verdict that a trusted key signed and that fits its schema. Times are UTC.

    `parties` holds the digest and the version of the parties file. Where it failed, `expires` and `strength` are None,
    and `unmet` says what stood in the way.
    """

    signer: str
    digest: str
    passed: bool
    decision: str
    stage: Stage
    model: Model
    verifier: str
    versions: Mapping[str, str]
    verified: datetime
    expires: datetime | None
    ends_with: str
    context: str | None
    policy: str
    profiles: tuple[Profile, ...]
    strength: Strength | None
    configuration: str
    parties: JsonObject | None
    waived: tuple[Waived, ...]
    unmet: JsonObject


def read_envelope(path: str | Path) -> SignedPayload:
    """The envelope of a verdict's file, `verdict.dsse.json` or `verdict.sigstore.json`. Nothing is verified yet.

    Raises:
        UndecidedError: the file cannot be read, or holds no envelope.
    """
    text = _text(Path(path))
    try:
        value = parse_json(text, str(path), places=False).value
        return parse_envelope(_inside_bundle(value) if isinstance(value, dict) and "mediaType" in value else text)
    except DocumentError as error:
        raise UndecidedError(
            f"This is no verdict: {error.found}", where=error.where or str(path), mend=_MEND
        ) from error
    except StatementError as error:
        raise UndecidedError(f"This is no verdict: {error.detail}", where=str(path), mend=_MEND) from error


def signer_of(envelope: SignedPayload, keys: Iterable[PublicKey]) -> str | None:
    """The key id of the first trusted key that signed; None where none did."""
    return next((fingerprint(key) for key in keys if signed_by(envelope, key)), None)


def parse_verdict(envelope: SignedPayload, signer: str) -> SignedVerdict:
    """What a signed envelope says.

    Args:
        envelope: one that a trusted key signed.
        signer: that key's id.

    Raises:
        NotAVerdictError: it is something else, contradicts itself, or lacks what a verdict must have.
    """
    if envelope.payload_type != IN_TOTO:
        raise NotAVerdictError(f"what was signed is {envelope.payload_type!r} and no in-toto statement")
    try:
        value = parse_json(envelope.payload.decode(), "payload", places=False).value
    except (UnicodeDecodeError, DocumentError) as error:
        raise NotAVerdictError("what was signed is no strict JSON") from error
    problem = next(iter(validator("verdict").iter_errors(value)), None)
    if problem is not None:
        place = "/".join(str(part) for part in problem.instance_path) or "the statement"
        raise NotAVerdictError(f"what was signed does not fit schemas/verdict.json: {place}: {problem.message[:300]}")
    verdict = _verdict(value, signer)
    _check_sense(verdict, value["predicate"])
    return verdict


def _verdict(value: JsonObject, signer: str) -> SignedVerdict:
    predicate = value["predicate"]
    digest = value["subject"][0]["digest"]
    if digest["dirHash"] != digest["sha256"]:
        raise NotAVerdictError("the two digests of its subject differ")
    about = predicate[SUBJECT]
    return SignedVerdict(
        signer=signer,
        digest=digest["dirHash"],
        passed=predicate["verificationResult"] == PASSED,
        decision=predicate[DECISION],
        stage=Stage(predicate[STAGE]),
        model=Model(about["name"], about["version"], about["workspace"], about["registry"], about["created"]),
        verifier=predicate["verifier"]["id"],
        versions=predicate["verifier"].get("version", {}),
        verified=_time(predicate["timeVerified"]),
        expires=_time(predicate[EXPIRES]) if EXPIRES in predicate else None,
        ends_with=predicate.get(ENDS_WITH, ""),
        context=predicate[CONTEXT],
        policy=predicate["policy"]["digest"]["sha256"],
        profiles=tuple(Profile(one["id"], one["sha256"], one["waived"]) for one in predicate[PROFILES]),
        strength=Strength(predicate[STRENGTH]) if STRENGTH in predicate else None,
        configuration=predicate[CONFIGURATION],
        parties=predicate[PARTIES],
        waived=tuple(Waived(one["control"], _time(one["until"])) for one in predicate[WAIVERS]),
        unmet=predicate.get(UNMET, {}),
    )


def _check_sense(verdict: SignedVerdict, predicate: JsonObject) -> None:
    """Refuses one whose parts say different things: whoever reads only one of them must not read another verdict."""
    found = set(predicate["verifiedLevels"])
    if not verdict.passed:
        if found != {FAILED}:
            raise NotAVerdictError(f"it says {FAILED} and names levels as if it had passed")
        if verdict.decision == "allow":
            raise NotAVerdictError(f"it says {FAILED}, and that the gate decided allow")
        return
    if verdict.decision != "allow" or predicate[MODE] != "enforce":
        raise NotAVerdictError(f"it says {PASSED}, and that the gate decided {verdict.decision} in {predicate[MODE]}")
    if verdict.expires is None or verdict.strength is None:
        raise NotAVerdictError(f"it says {PASSED}, and no end or no strength of its evidence")
    wanted = levels(verdict.stage, verdict.strength, verdict.profiles, (one.control for one in verdict.waived))
    if found != set(wanted):
        raise NotAVerdictError("its levels are not those of its stage, its profiles and its waivers")
    if predicate["resourceUri"] != resource_uri(verdict.model, verdict.stage):
        raise NotAVerdictError("its resourceUri is not that of its model and its stage")


def _inside_bundle(value: JsonObject) -> str:
    if set(value) != _BUNDLE_FIELDS or value["mediaType"] != BUNDLE_TYPE:
        raise StatementError("malformed", f"A bundle of the type {BUNDLE_TYPE} has exactly {sorted(_BUNDLE_FIELDS)}.")
    return json.dumps(value["dsseEnvelope"])


def _text(path: Path) -> str:
    """The file, whole; opening never waits, not even for a pipe."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as file:
            raw = file.read(MAX_BYTES + 1) if stat.S_ISREG(os.fstat(descriptor).st_mode) else None
        if raw is None or len(raw) > MAX_BYTES:
            raise UndecidedError("This is no verdict: it is no file, or too large a one", where=str(path), mend=_MEND)
        return raw.decode()
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise UndecidedError(f"The verdict cannot be read ({reason})", where=str(path), mend=_MEND) from error


def _time(text: Json) -> datetime:
    try:
        return times.parse_moment(text)
    except ValueError as error:
        raise NotAVerdictError(str(error)) from error
