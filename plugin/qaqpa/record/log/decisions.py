# SPDX-License-Identifier: Apache-2.0
"""What the gate writes into the log: decisions, their outcomes, starts, overrides."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from qaqpa import __version__, times
from qaqpa.config import Config
from qaqpa.evidence.keys import PublicKey
from qaqpa.model import Decision, JsonObject, Problem, Rollback
from qaqpa.record.log.allowed import Promotion, last_allowed, promoted
from qaqpa.record.log.asked import START, Asked, Claim, Result
from qaqpa.record.log.bounded import within
from qaqpa.record.log.chain import DECISION, OUTCOME, compact
from qaqpa.record.log.database import Database
from qaqpa.record.log.errors import OverrideUsedError
from qaqpa.record.log.newest import Looking
from qaqpa.record.log.observing import first_uses
from qaqpa.record.log.putting import OVERRIDE, REVIEW, Content, Draft
from qaqpa.record.log.reading import last_start
from qaqpa.record.log.settings import changes, configuration_digest, recorded
from qaqpa.record.log.uses import Use, Uses
from qaqpa.record.log.writer import Appended, Writer

CLOCKS_DIFFER = timedelta(seconds=2)
"""How far the clocks of servers that share a log may be apart."""

MOST_TEXT = 500
"""Most characters of a name in a row."""

MOST_ACTION = 2_000
"""Most characters that are kept of what somebody asked for: an address in it may be of any length."""


class DecisionLog:
    """The log of one gate. Safe for threads and for forks."""

    def __init__(self, database: Database, writer: Writer) -> None:
        """Connects to nothing yet.

        Args:
            database: where the rows are.
            writer: appends to it.
        """
        self.database = database
        self._writer = writer
        self._configuration = ""
        self._start: int | None = None
        self._allowed: dict[int, str] = {}
        self.first_uses: Mapping[str, date] = {}
        """Since when patterns are observed, as of the start that was recorded last."""
        self._uses = Uses()

    def anew(self) -> DecisionLog:
        """The same log, for whoever decides with another configuration."""
        return DecisionLog(self.database, self._writer)

    @property
    def uses(self) -> tuple[Use, ...]:
        """The overrides that were used, oldest first, as `clock_problem` found them last."""
        return self._uses.known

    @property
    def key_id(self) -> str:
        """The fingerprint of the key that signs rows."""
        return self._writer.key.key_id

    @property
    def public_key(self) -> PublicKey:
        """By which the signatures of its rows are verified."""
        return self._writer.key.public_key

    def append(self, drafts: Sequence[Draft]) -> Appended:
        """Appends rows of any kind; see `Writer.append`.

        Raises:
            LogError: they could not be appended.
        """
        return self._writer.append(drafts)

    def looking(self) -> Looking:
        """Begins to read the end of the log, for `clock_problem`; returns at once."""
        return self._writer.looking()

    def clock_problem(self, now: datetime, looking: Looking | None = None) -> Problem | None:
        """Why nothing can be decided at a time: the log has a later one, so a clock went back. It also reads `uses`.

        Args:
            now: that time, UTC.
            looking: from `looking`, where that was begun before.

        Raises:
            LogError: the log cannot be used.
        """
        newest = (looking or self.looking()).newest()
        latest = newest.latest
        if newest.used > self._uses.newest:
            self._writer.append((), self._uses.read)
        if not latest or now >= times.parse(latest) - CLOCKS_DIFFER:
            return None
        return Problem("clock_went_back", f"It is {times.render(now)} here, and the decision log has rows of {latest}.")

    def start(self, config: Config, facts: JsonObject, kind: str = START) -> int:
        """Records which configuration is in force, and what is different from the one before.

        Args:
            config: the configuration.
            facts: more that is in force, as JSON: engine, policy digest, version of the parties file.
            kind: `START` or `RELOAD`.

        Raises:
            LogError: it could not be appended.
        """
        settings = recorded(config)
        value = compact(settings)
        before = last_start(self.database) if self._writer.append(()).tip.seq > 1 else None
        uses = first_uses(before, config.observe, times.now().date())
        self._configuration = configuration_digest(config)
        fields = {
            **facts,
            "qaqpa": __version__,
            "configuration": self._configuration,
            "changed": None if before is None or before.settings is None else changes(before.settings, settings),
            "observed": {pattern: str(day) for pattern, day in uses.items()},
        }
        self.first_uses = uses
        (self._start,) = self._writer.append([Draft(kind, fields, {"settings": Content(value, shared=True)})]).numbers
        return self._start

    def decided(self, asked: Asked) -> int:
        """Records a decision, and returns the number of its row.

        Raises:
            LogError: it could not be appended, and so nothing may be promoted.
        """
        decision = asked.decision
        subject = decision.document["subject"] if decision else {}
        fields = {
            "verdict": asked.verdict.value,
            "stage": asked.stage,
            "mode": asked.mode,
            "model": asked.model[:MOST_TEXT],
            "version": str(subject.get("version", ""))[:MOST_TEXT],
            "digest": subject.get("digest"),
            "policy": decision.policy_digest if decision else "",
            "engine": decision.engine if decision else "",
            "versions": dict(decision.versions) if decision else {},
            "opa_decision": decision.decision_id if decision else "",
            "configuration": self._configuration,
            "start": self._start,
            **_gone_back(decision),
            **({"override": asked.override} if asked.override else {}),
        }
        about = {
            "user": asked.user,
            "action": asked.action[:MOST_ACTION],
            "problems": list(asked.problems),
            "document": decision.document if decision else None,
        }
        contents = {"about": Content(compact(about))}
        if decision:
            contents["input"] = Content(decision.asked or compact(decision.input), shared=True)
        (number,) = self._writer.append([Draft(DECISION, fields, contents)]).numbers
        promotion = promoted(fields)
        if promotion:
            self._allowed[number] = promotion.sha256
        return number

    def outcome(
        self, decisions: Sequence[int], result: Result, reason: str = "", overrides: Mapping[int, int] | None = None
    ) -> None:
        """Records what became of promotions that were let through.

        Args:
            decisions: the numbers of their rows.
            result: what became of them.
            reason: a code or the type of an error, where they failed.
            overrides: by decision the row of an override that was used in the same call.

        Raises:
            LogError: it could not be appended.
        """
        fields = {"result": result.value, "reason": reason[:MOST_TEXT]}
        through = {number: {"override": row} for number, row in (overrides or {}).items()}
        rows = ({"of": number, **fields, **through.get(number, {})} for number in decisions)
        # What a crash of the machine takes is shown as unknown, as where it came a moment earlier.
        self._writer.append([self._outcome(row) for row in rows], flush=False)

    def last_allowed(self, wanted: Promotion, now: datetime) -> Rollback | None:
        """The newest promotion of just this to which a model may go back; None where there is none.

        Args:
            wanted: the bytes, the stage and the context.
            now: the moment of the decision that is to be made, UTC.

        Raises:
            LogError: the log cannot be used, or is not what it was.
        """
        log = self._writer.append(()).tip.log

        def look_up() -> Rollback | None:
            with self.database.reading(bounded=True) as connection:
                return last_allowed(connection, wanted, self._writer.key.public_key, log, now)

        return within(self.database.timeout_seconds, look_up, self.database.shown)

    def _outcome(self, row: JsonObject) -> Draft:
        """The row that says what became of a decision; of what it allowed, a table finds that row again."""
        sha256 = self._allowed.pop(row["of"], None)
        # What went through beside something overridden is no ordinary allow either.
        if sha256 is None or row["result"] != Result.WRITTEN.value or "override" in row:
            return Draft(OUTCOME, row)
        return Draft(OUTCOME, {**row, "allowed": sha256}, allowed=(row["of"], sha256))

    def claim_override(self, sha256: str, fields: JsonObject) -> int:
        """Records that an override is used, before it takes effect; it can be claimed once.

        Args:
            sha256: of the override's payload, hexadecimal.
            fields: what it is used for, as JSON without personal data.

        Raises:
            OverrideUsedError: it was used before, and where.
            LogError: it could not be appended, and so must not take effect.
        """
        return self.claim([Claim(sha256, fields)])[0]

    def claim(self, claims: Sequence[Claim]) -> Sequence[int]:
        """Records that overrides are used, all or none, before they take effect; see `claim_override`.

        Raises:
            OverrideUsedError: one was used before, and where; nothing is written.
            LogError: they could not be appended, and so must not take effect.
        """
        drafts = [
            Draft(
                OVERRIDE,
                {**claim.fields, "sha256": claim.sha256, "start": self._start},
                {"about": Content(compact(claim.about))} if claim.about else {},
                override=claim.sha256,
            )
            for claim in claims
        ]
        return self._writer.append(drafts).numbers

    def reviewed(self, use: Use, sha256: str, outcome: str, about: JsonObject) -> None:
        """Records that a use of an override was reviewed; of two servers that see it at once, the first one does.

        Args:
            use: what was reviewed.
            sha256: of the review's payload, hexadecimal.
            outcome: of the review.
            about: who signed it and what it says, as JSON; it can be erased.

        Raises:
            LogError: it could not be appended, and so frees nobody of the duty.
        """
        fields = {"of": use.entry.seq, "override": use.sha256, "sha256": sha256, "outcome": outcome}
        try:
            self._writer.append([Draft(REVIEW, fields, {"about": Content(compact(about))}, override=sha256)])
        except OverrideUsedError:
            return


def _gone_back(decision: Decision | None) -> dict[str, Any]:
    """By which context it was judged, and to which earlier decision it goes back, as far as there is one."""
    if decision is None:
        return {}
    rollback = decision.input.get("rollback")
    back = {"rollback": rollback["decision"]} if rollback else {}
    return {"context": decision.document["context_digest"], **back}
