# SPDX-License-Identifier: Apache-2.0
"""Asks the gate about each version that an action would bring into a stage, and refuses what it does not allow."""

from __future__ import annotations

import functools
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, replace

from qaqpa import times
from qaqpa.config import Config, Gate
from qaqpa.escape import visible
from qaqpa.evidence.carriers import Carried
from qaqpa.gate import Trusted, open_trust, request_about, trusted_parties
from qaqpa.mlflow import events, metrics
from qaqpa.mlflow.breakglass import Grant
from qaqpa.mlflow.denial import (
    Outcome,
    RefusedError,
    busy_outcome,
    delegated_outcome,
    failed_outcome,
    log,
    outcome_of,
    show,
    unhashed_outcome,
)
from qaqpa.mlflow.going_back import back_to, decide_or_go_back
from qaqpa.mlflow.identity import believe, is_delegated, known_login
from qaqpa.mlflow.limiting import Refusals
from qaqpa.mlflow.locations import NotHashedError
from qaqpa.mlflow.recording import Admission, Recorder, unusable
from qaqpa.mlflow.subject import Candidate
from qaqpa.model import Decision, JsonObject, Problem, Request, Rollback, Verdict
from qaqpa.policy.engine import Engine
from qaqpa.record.log.asked import START, Result
from qaqpa.record.log.errors import LogError
from qaqpa.record.log.newest import Looking
from qaqpa.record.log.observing import limited
from qaqpa.record.log.settings import configuration_digest
from qaqpa.report.language import chosen_language
from qaqpa.report.line import one_line, problem_line
from qaqpa.report.texts import Texts

AT_ONCE = 4
"""Most versions that one process judges at once: the other threads of a server stay free to take a model out."""

_PATIENCE_SECONDS = 5.0

ENFORCE, OBSERVE = "enforce", "observe"
_WORST = (Verdict.DENY, Verdict.UNDECIDED, Verdict.ALLOW)


@dataclass(frozen=True)
class Case:
    """One version that has to pass gates. `candidate` reads it, and may be slow: it hashes the model's bytes."""

    gates: Sequence[Gate]
    candidate: Callable[[], Candidate]


@dataclass(frozen=True)
class Decided:
    """What was decided about which request, or why nothing was; `seconds` is how long it took.

    `is_lost` is true where the decision log cannot be used.
    """

    outcome: Outcome
    decision: Decision | None = None
    request: Request | None = None
    is_lost: bool = False
    seconds: float = 0.0


@dataclass(frozen=True)
class _Kept:
    """The row that holds a decision; None where nothing is kept. `is_lost` is true where it could not be kept."""

    number: int | None = None
    is_lost: bool = False


class Gatekeeper:
    """Judges with one configuration, one parties file and one engine. Safe for threads where the engine is."""

    is_closed = False
    """True for one that refuses everything."""

    def __init__(self, config: Config, engine: Engine, before: Gatekeeper | None = None) -> None:
        """Takes both, and remembers where the parties file is; that is read at each decision.

        Args:
            config: what is gated, and whose signatures count.
            engine: who evaluates the policies.
            before: the gatekeeper whose place it takes, with the same decision log; who was refused stays counted.

        Raises:
            UsageError: `QAQPA_LANG` names a language that there is not, or the decision log's key cannot be used.
        """
        self.config = config
        self._engine = engine
        self._trust = open_trust(config)
        self._language = chosen_language(locale=False)
        self._texts = Texts(engine.catalog, self._language)
        self._places = threading.BoundedSemaphore(AT_ONCE)
        self._recorder: Recorder = Recorder(config, before._recorder if before else None)  # noqa: SLF001 - one of its own kind
        per_minute = config.limits.refusals_per_minute
        self._refusals: Refusals = before._refusals.with_limit(per_minute) if before else Refusals(per_minute)  # noqa: SLF001
        self.facts: JsonObject = {
            "policy": engine.policy_digest,
            "configuration": configuration_digest(config),
            "engine": engine.name,
            "closed": self.is_closed,
        }

    def start(self, kind: str = START) -> LogError | None:
        """Records what is in force from now on, and believes whom the configuration says.

        Returns the error where it cannot be recorded now, which refuses everything.

        Args:
            kind: of the row: a start or a reload.
        """
        believe(self.config.proxy)
        error = self._recorder.started(self._engine, self.trusted()[0], kind)
        self.config = limited(self.config, self._recorder.first_uses)
        return error

    def trusted(self) -> Trusted:
        """The parties file in force, or why it cannot be used; neither where none is configured."""
        parties, problems = trusted_parties(self._trust, times.now())
        if self.config and self.config.parties:
            metrics.parties(parties, self.config.parties.file)
        return parties, problems

    def admit(self, model: str, action: str, cases: Iterable[Case]) -> Admission:
        """Returns where all cases are allowed, overridden or only observed, and all of it is recorded.

        Args:
            model: the registered model under whose name the versions would be served; it decides on the mode.
            action: what somebody asks for, for messages and the log.
            cases: the versions; without any, nothing is gated.

        Raises:
            RefusedError: a case is not allowed, or cannot be recorded. The first one is told.
        """
        if self._recorder.caught_up():
            self.config = limited(self.config, self._recorder.first_uses)
        observe = self.config.observed(model, times.now())
        mode = OBSERVE if observe else ENFORCE
        verdicts, numbers, grants = [], list[int](), list[tuple[int, Grant]]()
        back: int | None = None
        for decided in self._decided(self._unless_flooded(cases, model), model, action):
            grant = None if observe else self._granted(decided, action)
            outcome, kept = self._kept(decided, model, action, mode, grant)
            verdicts.append(outcome.verdict)
            metrics.decided(outcome, mode, decided.seconds)
            events.decided(
                outcome,
                decided.decision,
                model=model,
                action=action,
                mode=mode,
                number=kept.number,
                seconds=decided.seconds,
                override=grant.fact.id if grant else None,
            )
            if kept.is_lost or (outcome.verdict is not Verdict.ALLOW and not observe and grant is None):
                self._refusals.count(model)
                self._recorder.outcome(numbers, Result.FAILED, "another_refused")
                show(outcome.verdict.value, mode)
                raise RefusedError(outcome.message, {**outcome.details(mode), "log": kept.number})
            numbers += [kept.number] if kept.number is not None else []
            grants += [(kept.number, grant)] if grant and kept.number is not None else []
            back = back or back_to(decided.decision)
        if verdicts:
            show(min(verdicts, key=_WORST.index).value, mode, rollback=back)
        return Admission(self._recorder, numbers, grants)

    def rehearse(self, model: str, action: str, case: Case) -> None:
        """Returns where a version would be let through by all gates. Nothing is recorded, and nothing comes of it.

        Raises:
            RefusedError: what would be said.
        """
        observe = self.config.observed(model, times.now())
        for decided in self._decided(self._unless_flooded([case], model), model, action):
            if decided.is_lost or (decided.outcome.verdict is not Verdict.ALLOW and not observe):
                self._refusals.count(model)
                raise RefusedError(decided.outcome.message, decided.outcome.details(OBSERVE if observe else ENFORCE))

    def failed(self, model: str, action: str) -> int | None:
        """Records that the gate itself failed, and returns the row; None where nothing is kept, or this is a flood.

        Args:
            model: the registered model.
            action: what somebody asked for.

        Raises:
            LogError: the decision log cannot be used.
        """
        outcome = failed_outcome(action)
        metrics.refused(outcome.problems[0]["code"])
        try:
            self._refusals.check(model)
        except RefusedError:
            return None
        self._refusals.count(model)
        return self._recorder.decided(outcome, None, model, action, ENFORCE)

    def _unless_flooded(self, cases: Iterable[Case], model: str) -> Iterable[Case]:
        """The cases, where whoever asks was not refused too often; what has none is not limited."""
        for case in cases:
            self._refusals.check(model)
            yield case

    def decide(self, gate: Gate, candidate: Candidate) -> Decision:
        """The decision on one version at one gate.

        Raises:
            LogError: the decision log cannot be used.
        """
        return self._decide(gate, candidate, self._recorder.looking())[1]

    def _decide(self, gate: Gate, candidate: Candidate, looking: Looking) -> tuple[Request, Decision]:
        now = times.now()
        trusted = self.trusted()
        clock = self._recorder.problems(now, trusted[0], looking)

        def ask(rollback: Rollback | None, more: Sequence[Carried]) -> Request:
            return request_about(
                candidate.subject,
                (*candidate.carried, *more),
                stage=gate.stage,
                profiles=gate.profiles,
                settings=gate.settings,
                now=now,
                problems=[*candidate.problems, *clock],
                trusted=trusted,
                asked_by=known_login(),
                rollback=rollback,
            )

        def request_with(rollback: Rollback | None) -> Request:
            return self._recorder.breakglass.with_debts(functools.partial(ask, rollback), candidate.about_overrides)

        return decide_or_go_back(request_with, self._recorder.last_allowed, self._engine)

    def _decided(self, cases: Iterable[Case], model: str, action: str) -> Iterable[Decided]:
        for case in cases:
            read_once = functools.cache(case.candidate)
            for gate in case.gates:
                if is_delegated():
                    yield Decided(delegated_outcome(model, gate.stage.value, self._texts))
                    continue
                began = time.perf_counter()
                judged = self._judged(gate, read_once, action)
                yield replace(judged, seconds=time.perf_counter() - began)

    def _judged(self, gate: Gate, candidate: Callable[[], Candidate], action: str) -> Decided:
        if not self._places.acquire(timeout=_PATIENCE_SECONDS):
            return Decided(busy_outcome(action, gate.stage.value))
        try:
            # The end of the log is read while the candidate is.
            looking = self._recorder.looking()
            request, decision = self._decide(gate, candidate(), looking)
            known = self._trust is not None
            message = one_line(decision, self._engine.catalog, self._language, has_parties=known)
            return Decided(self._noted(outcome_of(decision, message), request), decision, request)
        except LogError as error:
            return Decided(unusable(action, gate.stage.value, error), is_lost=True)
        except NotHashedError as error:
            return Decided(self._unhashed(gate, action, error.problem))
        except Exception:  # noqa: BLE001 - whatever it is, it must not allow
            log.exception("qaqpa: the gate failed: %s", visible(action))
            return Decided(failed_outcome(action, gate.stage.value))
        finally:
            self._places.release()

    def _unhashed(self, gate: Gate, action: str, problem: Problem) -> Outcome:
        message = problem_line(action, problem, self._engine.catalog, self._language)
        return unhashed_outcome(message, gate.stage.value, problem)

    def _granted(self, decided: Decided, action: str) -> Grant | None:
        """The override that lets a decision through, where there is one."""
        if decided.request is None or decided.decision is None:
            return None
        return self._recorder.breakglass.grant(decided.request, decided.decision, action)

    def _noted(self, outcome: Outcome, request: Request) -> Outcome:
        """A refusal that says of an override which is there that it was used before."""
        note = None if outcome.verdict is Verdict.ALLOW else self._recorder.breakglass.note(request)
        if note is None:
            return outcome
        said = " ".join(self._texts.problem(asdict(note)))
        return replace(outcome, message=f"{outcome.message} {said}", problems=[*outcome.problems, asdict(note)])

    def _kept(self, decided: Decided, model: str, action: str, mode: str, grant: Grant | None) -> tuple[Outcome, _Kept]:
        """Records a decision. One that would refuse stays as it is where that fails; any other is refused then."""
        if decided.is_lost:
            return decided.outcome, _Kept(is_lost=True)
        outcome = decided.outcome
        try:
            override = grant.fact.id if grant else ""
            return outcome, _Kept(self._recorder.decided(outcome, decided.decision, model, action, mode, override))
        except LogError as error:
            lost = unusable(action, outcome.stage, error)
            passes = outcome.verdict is Verdict.ALLOW or mode == OBSERVE or grant is not None
            return (lost if passes else outcome), _Kept(is_lost=True)
