# SPDX-License-Identifier: Apache-2.0
"""Makes a verdict of a decision: the payload of an in-toto Statement, not signed yet.

Only an ordinary `allow` passes. A review is advice, a day other than today is a question, and a model that is only
observed passes whatever is decided; of these there is no verdict at all. Whatever else the gate decides fails.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import rfc8785

from qaqpa import __version__, times
from qaqpa.config import Config
from qaqpa.errors import UndecidedError, UsageError
from qaqpa.evidence.statement import STATEMENT_TYPE
from qaqpa.model import Decision, Evidence, Json, JsonObject, Request, Stage, Strength, Verdict
from qaqpa.policy.engine import Engine
from qaqpa.record.configuration import canonical_sha256, effective
from qaqpa.record.ending import ending, used
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
    PREDICATE_TYPE,
    PROFILES,
    SLSA_VERSION,
    STAGE,
    STRENGTH,
    SUBJECT,
    UNMET,
    WAIVERS,
    Model,
    Profile,
    levels,
    resource_uri,
)

_STRENGTHS = list(Strength)


@dataclass(frozen=True)
class Judgement:
    """A decision with all that it depended on."""

    decision: Decision
    request: Request
    config: Config
    engine: Engine


def refuse_unsigned(config: Config, stage: Stage, model: str, *, as_of: bool) -> None:
    """Refuses what no verdict may be signed for.

    Args:
        config: the configuration in force.
        stage: where the model is to go.
        model: the registered model.
        as_of: true where the moment of the decision was chosen.

    Raises:
        UsageError: saying why.
    """
    if as_of:
        raise UsageError(
            "There is no verdict as of another day", where="--as-of", mend="Leave out --as-of or --verdict"
        )
    if stage is Stage.REVIEW:
        raise UsageError(
            "There is no verdict at review, which is advice", where="--stage", required="staging or production"
        )
    observed = config.observed(model, times.now())
    if observed:
        raise UsageError(
            f"There is no verdict on a model that is only observed, until {observed.until}",
            where=str(config.path or "observe"),
            mend="Take the model out of `observe`, so that the gate enforces",
        )


def verdict_statement(judged: Judgement) -> bytes:
    """The statement that a gate signs about a decision, as canonical JSON.

    Raises:
        UsageError: there is no verdict on such a decision; see `refuse_unsigned`.
        UndecidedError: there are no bytes that it could be about, its end cannot be told, or a name cannot be written.
    """
    try:
        payload: bytes = rfc8785.dumps(_statement(judged))
    except ValueError as error:
        raise UndecidedError(f"The verdict cannot be put together: {error}") from error
    return payload


def _statement(judged: Judgement) -> JsonObject:
    request, decision = judged.request, judged.decision
    refuse_unsigned(judged.config, request.stage, request.subject.name, as_of=request.as_of)
    if request.rollback:
        raise UsageError("There is no verdict on a rollback: what it rests on has ended", where=request.subject.name)
    digest = request.subject.digest
    if digest is None:
        raise UndecidedError(
            "There is no verdict, because it is not known which bytes it would be about", where=request.subject.name
        )
    model = _model(judged)
    return {
        "_type": STATEMENT_TYPE,
        "subject": [{"name": _name(model), "digest": {"dirHash": digest, "sha256": digest}}],
        "predicateType": PREDICATE_TYPE,
        "predicate": {
            "verifier": {
                "id": judged.config.verdict.verifier,
                "version": {"qaqpa": __version__, **decision.versions},
            },
            "timeVerified": times.render(request.now),
            "resourceUri": resource_uri(model, request.stage),
            "policy": {
                "uri": f"urn:qaqpa:policy:{decision.policy_digest}",
                "digest": {"sha256": decision.policy_digest},
            },
            "inputAttestations": [_attestation(fact) for fact in request.evidence],
            "slsaVersion": SLSA_VERSION,
            **_outcome(judged),
            **_circumstances(judged, model),
        },
    }


def _outcome(judged: Judgement) -> JsonObject:
    decision, request = judged.decision, judged.request
    if decision.verdict is not Verdict.ALLOW:
        return {"verificationResult": FAILED, "verifiedLevels": [FAILED], WAIVERS: [], UNMET: _unmet(decision)}
    end = ending(decision, request, judged.engine, judged.config.verdict.days)
    waived = [finding for finding in decision.findings if finding["waivers"]]
    strengths = [fact.strength for fact in used(decision, request) if not fact.against_only]
    weakest = min(strengths, key=_STRENGTHS.index, default=Strength.DECLARED)
    controls = [finding["control"] for finding in waived]
    return {
        "verificationResult": PASSED,
        "verifiedLevels": levels(request.stage, weakest, _profiles(judged), controls),
        STRENGTH: weakest.value,
        EXPIRES: times.render(end.moment),
        ENDS_WITH: end.because,
        WAIVERS: [
            {"control": finding["control"], "statement": one["id"], "until": one["until"]["text"]}
            for finding in waived
            for one in finding["waivers"]
        ],
    }


def _circumstances(judged: Judgement, model: Model) -> JsonObject:
    decision, request = judged.decision, judged.request
    parties = request.parties
    return {
        STAGE: request.stage.value,
        DECISION: decision.verdict.value,
        SUBJECT: {
            "name": model.name,
            "version": model.version,
            "workspace": model.workspace,
            "registry": model.registry,
            "created": model.created_ms,
        },
        CONTEXT: request.context_digest,
        PROFILES: [asdict(profile) for profile in _profiles(judged)],
        CONFIGURATION: canonical_sha256(effective(judged.config, request)),
        PARTIES: {"sha256": parties.digest, "version": parties.version} if parties else None,
        MODE: "enforce",
    }


def _profiles(judged: Judgement) -> list[Profile]:
    catalog = judged.engine.catalog
    waived = {name for finding in judged.decision.findings if finding["waivers"] for name in finding["profiles"]}
    known = catalog.known(judged.request.profiles)
    return [Profile(name, canonical_sha256(catalog.profiles[name]), name in waived) for name in known]


def _model(judged: Judgement) -> Model:
    subject = judged.request.subject
    registry = judged.config.verdict.registry
    return Model(subject.name, subject.version, subject.workspace, registry, subject.created_ms)


def _name(model: Model) -> str:
    return f"models:/{model.name}/{model.version}" if model.version else model.name


def _attestation(fact: Evidence) -> Json:
    return {
        "uri": f"urn:qaqpa:statement:{fact.id}",
        "digest": {"sha256": fact.id},
        "mediaType": "application/vnd.in-toto+json",
        "annotations": {"kind": fact.kind, "strength": fact.strength.value},
    }


def _unmet(decision: Decision) -> JsonObject:
    """What stood in the way: controls and codes, no text that anybody wrote."""
    return {
        "controls": [one["control"] for one in decision.findings if one["status"] in {"fail", "undecided"}],
        "problems": sorted({problem["code"] for problem in decision.problems}),
    }
