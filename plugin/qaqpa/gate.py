# SPDX-License-Identifier: Apache-2.0
"""The gate. `decide` is the only way to a decision: the MLflow plugin and the command line both call it."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import datetime

from qaqpa import times
from qaqpa.config import Config
from qaqpa.errors import QaqpaError, UndecidedError
from qaqpa.evidence.carriers import Carried
from qaqpa.evidence.collect import collect
from qaqpa.evidence.elsewhere import BYTES_ELSEWHERE, MLMODEL_UNREADABLE
from qaqpa.evidence.parties import Parties
from qaqpa.evidence.trust import Trust, TrustError
from qaqpa.model import (
    Answer,
    Decision,
    Evidence,
    Json,
    JsonObject,
    PartiesInForce,
    Problem,
    Request,
    Rollback,
    Settings,
    Signer,
    Stage,
    Subject,
    Verdict,
)
from qaqpa.policy.check import check_document, check_input
from qaqpa.policy.engine import Engine

_log = logging.getLogger(__name__)


def decide(request: Request, engine: Engine) -> Decision:
    """Decides a request.

    Never raises: whatever goes wrong gives the verdict `undecided`, with a problem that says why.

    Args:
        request: all that the decision depends on.
        engine: who evaluates the policies.
    """
    # What is known even of a request that cannot be put together.
    document = input_document(Request(_bare(request.subject), request.stage, profiles=(), now=times.now()))
    try:
        document = input_document(request)
    except Exception:  # noqa: BLE001 - whatever it is, nothing may be promoted
        _log.exception("the gate failed")
        return _undecided(document, engine, Problem("gate_failed", "The gate failed; its log says why."))
    return decide_document(document, engine)


def decide_document(document: JsonObject, engine: Engine) -> Decision:
    """Decides about an input document: one that was just put together, or a recorded one again.

    Never raises, as `decide`.

    Args:
        document: the input of the policies.
        engine: who evaluates the policies.
    """
    answer: Answer | None = None
    try:
        check_input(document)
        answer = engine.evaluate(document)
        check_document(answer.document, document, engine.catalog)
        _check_policies(answer, engine)
    except QaqpaError as error:
        return _undecided(document, engine, Problem("engine_failed", str(error)), answer)
    except Exception:  # noqa: BLE001 - whatever it is, nothing may be promoted
        _log.exception("the gate failed")
        return _undecided(document, engine, Problem("gate_failed", "The gate failed; its log says why."), answer)
    verdict = Verdict(answer.document["verdict"])
    return Decision(
        verdict,
        answer.document,
        answer.policy_digest,
        answer.engine,
        document["context"],
        answer.versions,
        document,
        answer.decision_id,
        answer.asked,
    )


def request_about(  # noqa: PLR0913 - keyword arguments, each a part of the request
    subject: Subject,
    carried: Iterable[Carried],
    *,
    stage: Stage,
    profiles: Sequence[str],
    settings: Settings,
    now: datetime,
    problems: Iterable[Problem] = (),
    trust: Trust | None = None,
    trusted: Trusted | None = None,
    asked_by: str | None = None,
    as_of: bool = False,
    rollback: Rollback | None = None,
) -> Request:
    """A request about a subject and what was carried with it.

    Args:
        subject: what is judged.
        carried: everything that claims to be evidence about it.
        stage: where it is to go.
        profiles: whose controls apply.
        settings: what the configuration tells the policies.
        now: the moment of the decision, UTC.
        problems: what is known already to keep the gate from deciding.
        trust: where the parties file comes from; without it nobody's signature counts.
        trusted: what it says, where it was read for this decision already.
        asked_by: the login of whoever asks, as a server established it; None where that is not known.
        as_of: true where the moment was chosen, and is not the present.
        rollback: the earlier decision to which the model goes back.
    """
    parties, untrusted = trusted if trusted else trusted_parties(trust, now)
    collected = collect(
        carried,
        subject,
        stage,
        now,
        parties=parties,
        minimum=settings.minimum_strength,
        asked_by=asked_by,
        rollback=rollback,
    )
    return Request(
        subject=subject,
        stage=stage,
        profiles=profiles,
        now=now,
        settings=settings,
        context=collected.context,
        context_digest=collected.context_digest,
        evidence=collected.evidence,
        rejected=collected.rejected,
        problems=(*_that_matter(problems, stage), *untrusted, *collected.problems),
        actor=collected.actor,
        as_of=as_of,
        parties=PartiesInForce(parties.digest, parties.version, parties.expires) if parties else None,
        rollback=rollback,
        standing_context=collected.standing_context,
        aside=collected.aside,
    )


def _that_matter(problems: Iterable[Problem], stage: Stage) -> list[Problem]:
    """At review nothing is served, so it may be open where the weights are."""
    open_at_review = {BYTES_ELSEWHERE, MLMODEL_UNREADABLE} if stage is Stage.REVIEW else set()
    return [problem for problem in problems if problem.code not in open_at_review]


Trusted = tuple[Parties | None, list[Problem]]
"""The parties file in force, and the problems that keep the gate from knowing it."""


def trusted_parties(trust: Trust | None, now: datetime) -> Trusted:
    """The parties file in force, or the problem that keeps the gate from knowing it."""
    if trust is None:
        return None, []
    try:
        return trust.parties(now), []
    except TrustError as error:
        # Clients of a server are not told where it keeps its files.
        told = UndecidedError(error.found, required=error.required, mend=error.mend)
        return None, [Problem(error.code, str(told))]


def open_trust(config: Config) -> Trust | None:
    """Where the parties file comes from; None where the configuration names none."""
    return Trust(config.parties) if config.parties else None


def open_engine(config: Config) -> Engine:
    """The engine that the configuration names.

    Raises:
        UndecidedError: it cannot be opened; the message says how to mend it.
    """
    from qaqpa.policy.embedded import EmbeddedEngine  # noqa: PLC0415 - a slow import

    embedded = EmbeddedEngine.open(config.policy)
    if config.engine == "embedded":
        return embedded
    from qaqpa.policy.server import ConfirmedEngine, OpaServerEngine  # noqa: PLC0415 - the extra `opa` may be absent

    server = OpaServerEngine(
        config.opa.url,
        policy_digest=embedded.policy_digest,
        catalog=embedded.catalog,
        timeout_seconds=config.opa.timeout_seconds,
        token_file=config.opa.token_file,
        ca_file=config.opa.ca_file,
    )
    return ConfirmedEngine(server, embedded)


def input_document(request: Request) -> JsonObject:
    """The input of the policies, as `schemas/input.json` describes it."""
    facts: dict[str, list[Json]] = {}
    for item in request.evidence:
        facts.setdefault(item.kind, []).append(_fact(item))
    return {
        "now": times.pair(request.now),
        "as_of": request.as_of,
        "stage": request.stage.value,
        "profiles": list(dict.fromkeys(request.profiles)),
        "settings": {
            "minimum_strength": request.settings.minimum_strength.value,
            "thresholds": {control: dict(names) for control, names in request.settings.thresholds.items()},
            "raised": list(request.settings.raised),
            "separation_of_duties": request.settings.separation_of_duties.value,
        },
        "actor": request.actor,
        "subject": {
            "name": request.subject.name,
            "version": request.subject.version,
            "digest": request.subject.digest,
            "trained_at": times.pair(request.subject.trained_at),
        },
        "context": dict(request.context or {}),
        "context_digest": request.context_digest,
        "evidence": facts,
        "rejected": [asdict(refusal) for refusal in request.rejected],
        "problems": [asdict(problem) for problem in request.problems],
        **_gone_back(request.rollback),
    }


def _gone_back(rollback: Rollback | None) -> dict[str, Json]:
    """The earlier decision, where there is one."""
    if rollback is None:
        return {}
    return {"rollback": {"decision": rollback.decision, "allowed_at": times.pair(rollback.allowed_at)}}


def _bare(subject: Subject) -> Subject:
    return Subject(subject.name, subject.version, subject.digest)


def _check_policies(answer: Answer, engine: Engine) -> None:
    if answer.policy_digest != engine.policy_digest:
        raise UndecidedError(
            f"The answer comes from the policies {answer.policy_digest}", required=f"policies {engine.policy_digest}"
        )


def _fact(item: Evidence) -> Json:
    return {
        "id": item.id,
        "strength": item.strength.value,
        "source": item.source,
        "issued_at": times.pair(item.issued_at),
        "expires_at": times.pair(item.expires_at),
        "envelope": item.envelope,
        "signers": [_signer(signer) for signer in item.signers],
        "against_only": item.against_only,
        "predicate": dict(item.predicate),
        **({"ended_at": times.pair(item.ended_at)} if item.ended_at else {}),
    }


def _signer(signer: Signer) -> Json:
    # `asdict` copies all that is in a field, which takes ten times as long.
    return {**vars(signer), "roles": list(signer.roles), "disciplines": list(signer.disciplines)}


def _undecided(document: JsonObject, engine: Engine, problem: Problem, answer: Answer | None = None) -> Decision:
    made_here = {
        "schema": "urn:qaqpa:schema:decision:v1",
        "verdict": Verdict.UNDECIDED.value,
        "stage": document["stage"],
        "now": document["now"],
        "as_of": document["as_of"],
        "actor": document["actor"],
        "subject": {name: document["subject"][name] for name in ("name", "version", "digest")},
        "context_digest": document["context_digest"],
        "profiles": document["profiles"],
        "settings": document["settings"],
        "findings": [],
        "problems": [*document["problems"], asdict(problem)],
        "rejected": document["rejected"],
    }
    named = answer.decision_id if answer else ""
    return Decision(Verdict.UNDECIDED, made_here, engine.policy_digest, engine.name, input=document, decision_id=named)
