# SPDX-License-Identifier: Apache-2.0
"""Keeps what the gate decides in the decision log: before the registry changes, and what became of it after."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from typing import Any

from mlflow.exceptions import MlflowException
from sqlalchemy.exc import DBAPIError

from qaqpa.config import Config
from qaqpa.escape import visible
from qaqpa.evidence.parties import Parties
from qaqpa.mlflow import metrics
from qaqpa.mlflow.breakglass import BreakGlass, Grant
from qaqpa.mlflow.denial import Outcome, RefusedError, log, log_outcome
from qaqpa.mlflow.identity import acting_user
from qaqpa.mlflow.new_key import said_of_key
from qaqpa.model import Decision, JsonObject, Problem, Rollback, Verdict
from qaqpa.policy.engine import Engine
from qaqpa.record.log.allowed import Promotion
from qaqpa.record.log.asked import RELOAD, START, Asked, Result
from qaqpa.record.log.decisions import DecisionLog
from qaqpa.record.log.errors import LogError
from qaqpa.record.log.newest import Looking
from qaqpa.record.log.opening import open_log

_LOST = "the outcome of decision %s could not be recorded; it is shown as unknown (%s)"
_UNTOLD = "the connection to the registry broke, so the outcome of decision %s is unknown; the registry says which"


class Admission:
    """Decisions that let a call through. Used around the write, it records what becomes of it."""

    def __init__(
        self, recorder: Recorder, decisions: Sequence[int] = (), grants: Sequence[tuple[int, Grant]] = ()
    ) -> None:
        """Remembers them.

        Args:
            recorder: who records.
            decisions: the numbers of their rows; none where nothing is gated or nothing is kept.
            grants: by number the overrides that let some of them through.
        """
        self.decisions = tuple(decisions)
        self._grants = tuple(grants)
        self._through: Mapping[int, int] = {}
        self._recorder = recorder

    @contextmanager
    def recorded(self) -> Iterator[None]:
        """For the write itself: records that it was done, or why it was not. An override is used up before it begins.

        Where the connection to the registry broke, nobody can tell, and the outcome stays unknown.

        Raises:
            RefusedError: an override was used up meanwhile, or cannot be recorded.
        """
        try:
            self._through = self._recorder.breakglass.claim(self._grants)
            yield
        except BaseException as error:
            if _is_cut_off(error):
                log.error("qaqpa: " + _UNTOLD, ", ".join(map(str, self.decisions)))
                raise
            self.ended(Result.FAILED, _reason(error))
            if self._through:
                _say_used_up(error, self._through.values())
            raise
        self.ended(Result.WRITTEN)

    def asked(self) -> None:
        """Records that nothing is written now: the call asks again when it writes."""
        self.ended(Result.ASKED)

    def ended(self, result: Result, reason: str = "") -> None:
        """Records an outcome. Where that fails the write stands, and the outcome is shown as unknown."""
        # One that was allowed beside another that was overridden is no ordinary promotion either.
        first = next(iter(self._through.values()), None)
        rows = {number: self._through.get(number, first) for number in self.decisions} if first is not None else {}
        self._recorder.outcome(self.decisions, result, reason, rows)


class Recorder:
    """The decision log of a server; without one it records nothing."""

    def __init__(self, config: Config, before: Recorder | None = None) -> None:
        """Opens the log that the configuration names, without reaching for its database.

        Args:
            config: names the log.
            before: a recorder of the same log, whose connections and writing thread are used.

        Raises:
            UsageError: its key or its driver cannot be used.
        """
        self._config = config
        shared = before._log if before and before._config.log == config.log else None  # noqa: SLF001 - its own kind
        self._log: DecisionLog | None = shared.anew() if shared else open_log(config.log) if config.log else None
        self.breakglass = BreakGlass(self._log, config.override)
        self._facts: JsonObject = {}
        self._version: int | None = None
        self._due = ""

    @property
    def first_uses(self) -> Mapping[str, date]:
        """Since when patterns are observed, as the log knows; none without a log."""
        return self._log.first_uses if self._log else {}

    def caught_up(self) -> bool:
        """Records a start that could not be recorded before; true where that was done now."""
        if self._log is None or not self._due:
            return False
        try:
            self._record_start(self._log)
        except LogError:
            # The decision that comes next says so.
            return False
        return True

    def started(self, engine: Engine, parties: Parties | None, kind: str = START) -> LogError | None:
        """Records what is in force from now on. A database that does not answer now is logged: it refuses too."""
        if self._log is None:
            log.warning("qaqpa: decisions are not kept: the configuration says log: none")
            return None
        self._facts = {"engine": engine.name, "policy": engine.policy_digest, "key": self._log.key_id}
        self._version, self._due = parties.version if parties else None, kind
        try:
            self._record_start(self._log)
        except LogError as error:
            log.error(
                "qaqpa: the decision log cannot be used, so every promotion is refused until it can. Archiving a "
                "version and taking an alias away work. %s",
                visible(error, 2000),
            )
            return error
        if kind == START and self._config.log and self._config.log.source == "default":
            where = self._log.database.shown
            log.warning("qaqpa: decisions are kept in %s on this machine only; log.url names a database", where)
        return None

    def looking(self) -> Looking:
        """Begins to read the end of the log, for `problems`; returns at once."""
        return self._log.looking() if self._log else Looking.at_nothing()

    def problems(self, now: datetime, parties: Parties | None, looking: Looking) -> list[Problem]:
        """What keeps the gate from deciding at a time; a parties file of another version is recorded on the way.

        Args:
            now: the moment of the decision, UTC.
            parties: the parties file in force.
            looking: from `looking`.

        Raises:
            LogError: the log cannot be used.
        """
        if self._log is None:
            return []
        problem = self._log.clock_problem(now, looking)
        version = parties.version if parties else None
        if self._facts and version != self._version:
            self._version, self._due = version, self._due or RELOAD
        self._record_start(self._log)
        return [problem] if problem else []

    def decided(  # noqa: PLR0913 - each a part of what is recorded
        self, outcome: Outcome, decision: Decision | None, model: str, action: str, mode: str, override: str = ""
    ) -> int | None:
        """Records a decision and returns the number of its row; None where nothing is kept.

        Raises:
            LogError: it could not be recorded, and so must not let anything through.
        """
        if self._log is None:
            return None
        problems = [] if decision else outcome.problems
        asked = Asked(
            outcome.verdict,
            outcome.stage,
            model,
            action,
            mode,
            acting_user(),
            decision=decision,
            problems=problems,
            override=override,
        )
        with metrics.appending("decision"):
            return self._log.decided(asked)

    def last_allowed(self, wanted: Promotion, now: datetime) -> Rollback | None:
        """The newest promotion of just this to which a model may go back; None where there is none, or no log.

        Raises:
            LogError: the log cannot be used.
        """
        return self._log.last_allowed(wanted, now) if self._log else None

    def outcome(
        self, decisions: Sequence[int], result: Result, reason: str = "", through: Mapping[int, int] | None = None
    ) -> None:
        """Records what became of decisions; what cannot be recorded is said in the server's own log."""
        if self._log is None or not decisions:
            return
        try:
            with metrics.appending("outcome"):
                self._log.outcome(decisions, result, reason, through)
        except LogError as error:
            log.error("qaqpa: " + _LOST, ", ".join(map(str, decisions)), visible(error, 2000))

    def _record_start(self, kept_in: DecisionLog) -> None:
        """Records what is in force where that is due: at the start, or with another parties file."""
        if self._due:
            more = said_of_key(kept_in)
            kept_in.start(self._config, {**self._facts, "parties": self._version, **more}, self._due)
            self._due = ""


def unusable(action: str, stage: str, error: LogError) -> Outcome:
    """The outcome where the log cannot be used. Where it is, and why it does not answer, is for the server's log."""
    log.error("qaqpa: the decision log cannot be used: %s", visible(error, 2000))
    return log_outcome(action, stage)


def _say_used_up(error: BaseException, rows: Iterable[int]) -> None:
    """Whoever asked is told too, where MLflow passes on what is said."""
    used = f"The override of row {', '.join(map(str, sorted(set(rows))))} is used up though nothing was promoted."
    log.error("qaqpa: %s", used)
    if isinstance(error, MlflowException):
        error.message = f"{error.message} {used}"


def _is_cut_off(error: BaseException | None) -> bool:
    """True where the registry may have committed, and could not say so any more."""
    while error is not None and not isinstance(error, RefusedError):
        if isinstance(error, DBAPIError) and error.connection_invalidated:
            return True
        error = error.__cause__ or error.__context__
    return False


def _reason(error: BaseException) -> str:
    """A stable code for why a write failed."""
    if isinstance(error, RefusedError):
        problems: Any = error.json_kwargs.get("qaqpa", {}).get("problems", [])
        return str(problems[0]["code"]) if problems else Verdict.DENY.value
    return str(error.error_code) if isinstance(error, MlflowException) else type(error).__name__
