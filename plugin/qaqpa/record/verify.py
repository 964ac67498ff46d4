# SPDX-License-Identifier: Apache-2.0
"""Whether a verdict holds for some bytes, today, for what whoever deploys requires. Offline; no policy is evaluated."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from qaqpa import times
from qaqpa.config.records import MAX_VERDICT_DAYS
from qaqpa.evidence.envelope import SignedPayload
from qaqpa.evidence.keys import fingerprint
from qaqpa.model import Strength
from qaqpa.record.reading import NotAVerdictError, SignedVerdict, parse_verdict, signer_of
from qaqpa.record.requirements import Requirements

CLOCK_SKEW = timedelta(minutes=5)
"""How far in the future a verdict may be dated, for clocks that differ."""

_STRENGTHS = list(Strength)
_LONGEST = timedelta(days=MAX_VERDICT_DAYS)


@dataclass(frozen=True)
class Unmet:
    """A requirement that is not met: what was found, and what is required. The texts may quote the verdict."""

    requirement: str
    found: str
    required: str


@dataclass(frozen=True)
class Verification:
    """What came of it. `verdict` is None where no trusted key signed one."""

    unmet: tuple[Unmet, ...]
    verdict: SignedVerdict | None = None

    @property
    def holds(self) -> bool:
        """True where every requirement is met."""
        return self.verdict is not None and not self.unmet


def verify(envelope: SignedPayload, digest: str, required: Requirements, now: datetime) -> Verification:
    """Compares a verdict with the bytes, with the clock, and with what is required.

    Nothing in it is believed, or shown, before a trusted key has signed it.

    Args:
        envelope: as it was read.
        digest: the model digest of the bytes.
        required: what is required; without a trusted key nothing holds.
        now: the present, UTC.
    """
    return _verification(envelope, digest, required, now)


def refused_early(envelope: SignedPayload, required: Requirements, now: datetime) -> Verification | None:
    """What keeps a verdict from holding whatever the bytes are; None where it is for the bytes to say.

    Before it is known that a trusted key signed a fitting verdict, there is no reason to fetch anything.
    """
    # The workspace of a version is the registry's to say, unless somebody required one.
    known = required if "workspace" in required.named else replace(required, workspace=None)
    found = _verification(envelope, None, known, now)
    return None if found.holds else found


def _verification(envelope: SignedPayload, digest: str | None, required: Requirements, now: datetime) -> Verification:
    signer = signer_of(envelope, required.keys)
    if signer is None:
        trusted = ", ".join(fingerprint(key) for key in required.keys) or "nobody"
        return Verification((Unmet("signer", "no trusted key signed it", f"a signature by {trusted}"),))
    try:
        verdict = parse_verdict(envelope, signer)
    except NotAVerdictError as error:
        return Verification((Unmet("verdict", f"a trusted key signed it, but {error}", "a verdict of the gate"),))
    return Verification(tuple(_unmet(verdict, digest, required, now)), verdict)


def _unmet(verdict: SignedVerdict, digest: str | None, required: Requirements, now: datetime) -> Iterator[Unmet]:
    if not verdict.passed:
        yield Unmet("result", f"FAILED: the gate decided {verdict.decision}{_because(verdict)}", "PASSED")
    if digest is not None and verdict.digest != digest:
        yield Unmet("bytes", f"it is about other bytes, {verdict.digest}", f"a verdict about these bytes, {digest}")
    if verdict.stage is not required.stage:
        yield Unmet("stage", f"it is for {verdict.stage.value}", required.stage.value)
    if verdict.verifier != required.verifier:
        yield Unmet("verifier", verdict.verifier, required.verifier)
    yield from _system(verdict, required)
    yield from _rules(verdict, required)
    yield from _dates(verdict, required, now)


def _because(verdict: SignedVerdict) -> str:
    reasons = [*verdict.unmet.get("controls", ()), *verdict.unmet.get("problems", ())]
    return f" ({', '.join(reasons[:10])}{', …' if len(reasons) > 10 else ''})" if reasons else ""  # noqa: PLR2004


def _system(verdict: SignedVerdict, required: Requirements) -> Iterator[Unmet]:
    """What the model is, and what it is used in."""
    model = verdict.model
    registered = required.registered
    names = dict.fromkeys(
        name for name in (required.model, registered.name if registered else None) if name is not None
    )
    if any(model.name != name for name in names):
        yield Unmet("model", f"it is about the registered model {model.name}", " and ".join(names))
    if required.workspace is not None and model.workspace != required.workspace:
        yield Unmet("workspace", f"it is about a model of the workspace {model.workspace}", required.workspace)
    if required.model_version is not None and model.version != required.model_version:
        yield Unmet("model_version", f"it is about version {model.version or 'unknown'}", required.model_version)
    if required.registry is not None and model.registry != required.registry:
        yield Unmet("registry", f"it is about the registry {model.registry or 'unknown'}", required.registry)
    if registered and model.created_ms is not None and model.created_ms != registered.created_ms:
        yield Unmet("created", "it is about an older or newer model of this name", "the one that the registry has")
    if required.context is not None and verdict.context != required.context:
        yield Unmet("context", f"it is about the context {verdict.context or 'unknown'}", required.context)


def _rules(verdict: SignedVerdict, required: Requirements) -> Iterator[Unmet]:
    """What decided, and what was excused."""
    there = [profile.id for profile in verdict.profiles]
    missing = [profile for profile in required.profiles if profile not in there]
    if missing:
        yield Unmet("profiles", f"it is by {', '.join(there) or 'no profile'}", ", ".join(missing))
    if verdict.strength and _STRENGTHS.index(verdict.strength) < _STRENGTHS.index(required.minimum_strength):
        yield Unmet(
            "minimum_strength", f"some of its evidence is {verdict.strength.value}", required.minimum_strength.value
        )
    if required.policies and verdict.policy not in required.policies:
        yield Unmet("policies", f"the policies {verdict.policy} decided", " or ".join(required.policies))
    if required.configuration is not None and verdict.configuration != required.configuration:
        yield Unmet("configuration", f"the settings {verdict.configuration} decided", required.configuration)
    if required.allow_waivers is not None:
        controls = dict.fromkeys(one.control for one in verdict.waived if one.control not in required.allow_waivers)
        if controls:
            options = " ".join(f"--allow-waiver {control}" for control in controls)
            yield Unmet("waivers", f"a waiver excuses {', '.join(controls)}", f"none, or {options}")


def _dates(verdict: SignedVerdict, required: Requirements, now: datetime) -> Iterator[Unmet]:
    made = times.render(verdict.verified)
    if verdict.verified > now + CLOCK_SKEW:
        yield Unmet("date", f"it is dated {made}, in the future", f"at most {times.render(now)}, by this clock")
    if required.max_age is not None and now - verdict.verified > required.max_age:
        hours = required.max_age // timedelta(hours=1)
        yield Unmet("max_age", f"it was made on {made}", f"at most {hours} hours ago")
    if verdict.expires is None:
        return
    ends = times.render(verdict.expires)
    if verdict.expires <= now:
        yield Unmet(
            "end", f"it ended on {ends} ({verdict.ends_with})", "a verdict that has not ended: ask the gate again"
        )
    # Also one that a later release of the gate, or somebody with its key, dated freely.
    elif verdict.expires - verdict.verified > _LONGEST:
        yield Unmet("end", f"it ends on {ends}, too long after {made}", f"at most {_LONGEST.days} days")
