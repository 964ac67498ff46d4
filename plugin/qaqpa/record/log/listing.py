# SPDX-License-Identifier: Apache-2.0
"""Decisions as people look for them: each with its outcome, which is a row of its own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from qaqpa.config import LogSource
from qaqpa.errors import UsageError
from qaqpa.model import Decision, JsonObject, Verdict
from qaqpa.record.log.asked import Result
from qaqpa.record.log.chain import DECISION, OUTCOME, Entry, peek
from qaqpa.record.log.database import Database
from qaqpa.record.log.reading import kept, names_of, row, rows, value_of
from qaqpa.record.log.tables import has_log
from qaqpa.record.log.uses import Use, Uses

REFUSED = "refused"
"""The outcome of a decision that let nothing through."""


@dataclass(frozen=True)
class Wanted:
    """Which decisions are looked for; what is None does not matter. `since` is a time in RFC 3339, UTC."""

    model: str | None = None
    verdict: str | None = None
    outcome: str | None = None
    since: str | None = None

    def fits(self, listed: Listed) -> bool:
        """True for a decision that is looked for."""
        fields = listed.entry.fields
        return (
            self.model in {None, fields.get("model")}
            and self.verdict in {None, fields.get("verdict")}
            and self.outcome in {None, listed.outcome}
            and (self.since is None or listed.entry.at >= self.since)
        )


@dataclass(frozen=True)
class Listed:
    """A decision, and what became of it: a `Result`, or `refused`; `reason` is why it failed.

    `override` is the number of the row of the override that let it through; None where none did.
    """

    entry: Entry
    outcome: str
    reason: str = ""
    override: int | None = None


@dataclass(frozen=True)
class Recorded:
    """A decision with all that is kept of it.

    `input` and `document` are None where they were erased, or where nothing could be decided. `is_altered` is true
    where personal data in it was erased. `use` is the override that let it through.
    """

    listed: Listed
    about: JsonObject
    input: JsonObject | None
    document: JsonObject | None
    is_altered: bool
    is_erased: bool
    use: Use | None = None

    @property
    def decision(self) -> Decision | None:
        """The decision as it was made; None where nothing is left of it."""
        if self.document is None:
            return None
        fields = self.listed.entry.fields
        context = (self.input or {}).get("context", {})
        return Decision(
            Verdict(self.document["verdict"]),
            self.document,
            fields["policy"],
            fields["engine"],
            context,
            fields["versions"],
            self.input or {},
            fields.get("opa_decision", ""),
        )


def listed(database: Database, wanted: Wanted, most: int) -> Iterator[Listed]:
    """Decisions that are looked for, newest first, at most `most`.

    Raises:
        LogError: the log cannot be read.
    """
    outcomes: dict[int, Entry] = {}
    with database.reading() as connection:
        through = _through(Uses().read(connection))
        for found in rows(connection, newest_first=True):
            entry = peek(found.body)
            if wanted.since is not None and entry.latest < wanted.since:
                return
            _collect(entry, outcomes)
            if entry.kind != DECISION:
                continue
            one = _listed(entry, outcomes.pop(entry.seq, None), through)
            if wanted.fits(one):
                yield one
                most -= 1
            if most <= 0:
                return


def recorded(database: Database, seq: int) -> Recorded:
    """One decision with all that is kept of it.

    Raises:
        UsageError: the row is no decision.
        LogError: the log cannot be read, or what is kept is not what the row says.
    """
    outcomes: dict[int, Entry] = {}
    with database.reading() as connection:
        found = row(connection, seq)
        entry = peek(found.body) if found else None
        if entry is None or entry.kind != DECISION:
            what = f"a row of the kind {entry.kind}" if entry else "no such row"
            raise UsageError(
                f"There is {what}", where=f"row {seq}", required="the number of a decision: qaqpa log list"
            )
        # What let nothing through has no outcome to look for.
        for later in rows(connection, after=seq) if _passed(entry) else ():
            _collect(peek(later.body), outcomes)
            if seq in outcomes:
                break
        about, given = value_of(connection, entry, "about"), value_of(connection, entry, "input")
        through = _through(Uses().read(connection))
        changed = any(item.actual != item.name for item in kept(connection, sorted(names_of(entry).values())).values())
    return Recorded(
        _listed(entry, outcomes.get(seq), through),
        about or {},
        given,
        (about or {}).get("document"),
        is_altered=changed,
        is_erased=about is None,
        use=through.get(seq),
    )


def used(database: Database) -> tuple[Use, ...]:
    """The overrides that were used, oldest first, each with its review.

    Raises:
        LogError: the log cannot be read.
    """
    with database.reading() as connection:
        return Uses().read(connection) if has_log(connection) else ()


def used_at(database: Database, seq: int) -> tuple[Use, JsonObject] | None:
    """The use of an override that a row records or reviews, with what its review says; None where it does neither.

    Raises:
        LogError: the log cannot be read, or the review is not what its row says.
    """
    with database.reading() as connection:
        for use in Uses().read(connection):
            if seq in {use.entry.seq, use.review.seq if use.review else 0}:
                return use, (value_of(connection, use.review, "about") or {}) if use.review else {}
    return None


def beside(database: Database, seq: int) -> Entry | None:
    """What a row says that holds no decision: a start, a reload, an outcome, a checkpoint; None for any other number.

    Raises:
        LogError: the log cannot be read.
    """
    with database.reading() as connection:
        found = row(connection, seq)
        entry = peek(found.body) if found else None
    return None if entry is None or entry.kind == DECISION else entry


def size_of(source: LogSource) -> int:
    """The number of the last row; 0 where nothing was recorded yet.

    Raises:
        LogError: the log cannot be read.
        UsageError: its driver is not installed.
    """
    database = Database(source)
    if not database.exists():
        return 0
    with database.reading() as connection:
        if not has_log(connection):
            return 0
        newest = next(rows(connection, newest_first=True), None)
    return newest.seq if newest else 0


def _collect(entry: Entry, outcomes: dict[int, Entry]) -> None:
    of = entry.fields.get("of")
    if entry.kind == OUTCOME and isinstance(of, int):
        outcomes[of] = entry


def _through(uses: Iterable[Use]) -> dict[int, Use]:
    """By decision the override that let it through."""
    return {number: use for use in uses for number in use.decisions}


def _listed(entry: Entry, outcome: Entry | None, through: Mapping[int, Use]) -> Listed:
    use = through.get(entry.seq)
    override = use.entry.seq if use else None
    if outcome:
        result, reason = str(outcome.fields.get("result")), str(outcome.fields.get("reason", ""))
        return Listed(entry, result, reason, override)
    return Listed(entry, Result.UNKNOWN.value if _passed(entry) else REFUSED, override=override)


def _passed(entry: Entry) -> bool:
    """True where a decision let something through, or was to be let through by an override."""
    fields = entry.fields
    allowed = fields.get("verdict") == Verdict.ALLOW.value
    return allowed or fields.get("mode") == "observe" or bool(fields.get("override"))
