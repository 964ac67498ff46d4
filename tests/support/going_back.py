# SPDX-License-Identifier: Apache-2.0
"""A gate with its decision log, and a clock that tests move on: what was allowed, and what going back to it gives."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from qaqpa import times
from qaqpa.config import DEFAULT_GATE, Config, Gate, LogSource, Observe
from qaqpa.evidence.carriers import Carried
from qaqpa.mlflow.denial import RefusedError
from qaqpa.mlflow.judge import Case, Gatekeeper
from qaqpa.mlflow.recording import Admission
from qaqpa.mlflow.subject import Candidate
from qaqpa.model import JsonObject, Stage, Subject
from qaqpa.policy.embedded import EmbeddedEngine
from qaqpa.record.log.asked import Result
from qaqpa.record.log.database import Database
from qaqpa.record.log.listing import Recorded, Wanted, listed, recorded
from support.contents import contents
from support.keyring import organisation, to_yaml, trusted
from support.logs import checked, log_source
from support.statements import NOW, SUBJECT, carried, everything

DAY = timedelta(days=1)

ENDS = 5
"""The day on which the audit of `sound` ends."""

STAGING = replace(DEFAULT_GATE, stage=Stage.STAGING)


def audit(conclusion: str = "positive", *, day: float = 0, ends: float | None = ENDS, **changes: Any) -> Carried:
    """An audit that is handed in on a day, counted from `NOW`, and ends on another."""
    content = {**contents(NOW)["audit"], "conclusion": conclusion}
    end = None if ends is None else NOW + ends * DAY
    return carried(content, **{"issued_at": NOW + (day - 1) * DAY, "expires_at": end, **changes})


def of(kind: str, **changes: Any) -> Carried:
    """A statement of a kind with its sound content."""
    return next(piece for piece in everything(**changes) if piece.kind == kind)


def without(pieces: Iterable[Carried], kind: str) -> list[Carried]:
    """Pieces of other kinds."""
    return [piece for piece in pieces if piece.kind != kind]


def sound(*others: Carried, stage: Stage = Stage.PRODUCTION) -> list[Carried]:
    """Evidence that is allowed on day 0, with an audit that ends; the others replace what is of their kind."""
    replaced = {piece.kind for piece in others}
    usual = [*without(everything(stage=stage), "audit"), audit()]
    return [*(piece for piece in usual if piece.kind not in replaced), *others]


class Story:
    """A gate of production and staging. Day 0 is `NOW`."""

    def __init__(self, directory: Path, engine: EmbeddedEngine, patch: pytest.MonkeyPatch, url: str = "") -> None:
        """Starts on day 0, with the organisation of the keyring."""
        self._directory, self._versions = directory, itertools.count(1)
        self.day: float = 0
        patch.setattr(times, "now", lambda: self.now)
        self.people = organisation(NOW)
        self.source: LogSource = log_source(directory, url)
        until = (NOW + 10 * DAY).date()
        config = Config(observe=(Observe(("seen",), until),), parties=self.write_parties(), log=self.source)
        self.engine, self.config = engine, config
        self.gatekeeper = Gatekeeper(config, engine)

    @property
    def now(self) -> datetime:
        return NOW + self.day * DAY

    def write_parties(self) -> Any:
        """Has the parties file of today signed, with all that was changed in `people`."""
        expires = times.render(self.now + 60 * DAY)
        text = to_yaml({**self.people, "version": next(self._versions), "expires": expires})
        return trusted(self._directory, self.now, text=text)

    def go_to(self, day: float) -> None:
        """Lets time pass."""
        self.day = day
        self.write_parties()

    def promote(
        self,
        pieces: Sequence[Carried],
        subject: Subject = SUBJECT,
        *,
        gate: Gate = DEFAULT_GATE,
        model: str = "",
        result: Result | None = Result.WRITTEN,
    ) -> Recorded:
        """Asks the gate, records what becomes of it where it lets the model pass, and returns what was recorded."""
        with suppress(RefusedError):
            admission = self.admit(pieces, subject, gate=gate, model=model)
            if result:
                admission.ended(result)
        return self.last()

    def admit(
        self, pieces: Sequence[Carried], subject: Subject = SUBJECT, *, gate: Gate = DEFAULT_GATE, model: str = ""
    ) -> Admission:
        """Asks the gate, as a server does."""
        case = Case([gate], lambda: Candidate(subject, tuple(pieces)))
        return self.gatekeeper.admit(model or subject.name, "alias production", [case])

    def last(self) -> Recorded:
        """The last decision that was recorded."""
        database = Database(self.source)
        (newest,) = listed(database, Wanted(), 1)
        return recorded(database, newest.entry.seq)

    def intact(self) -> list[str]:
        """What `qaqpa log verify` finds to be wrong."""
        return list(checked(self.source).problems)


def verdict(found: Recorded) -> str:
    """The verdict, with a mark where it is a rollback."""
    fields = found.listed.entry.fields
    return f"{fields['verdict']}{' back' if 'rollback' in fields else ''}"


def said(found: Recorded, status: str = "fail") -> set[str]:
    """`CONTROL code` of what findings of a status say."""
    document: JsonObject = found.document or {}
    return {
        f"{finding['control']} {violation['code']}"
        for finding in document["findings"]
        for violation in finding["violations"]
        if finding["status"] == status
    }
