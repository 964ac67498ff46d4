# SPDX-License-Identifier: Apache-2.0
"""Erases personal data from what is kept beside rows. The rows stay, and one more says what was erased, and why.

A person's login, party id or name is replaced by a random pseudonym, the same one everywhere: the decision can still be
made again from what is left. Content that is erased whole leaves its salted commitment, from which nothing can be told.
"""

from __future__ import annotations

import json
import re
import secrets
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from sqlalchemy import select, update

from qaqpa.errors import UndecidedError, UsageError
from qaqpa.model import Json
from qaqpa.policy.check import check_input
from qaqpa.record.log.asked import ERASE
from qaqpa.record.log.chain import commitment, compact, peek
from qaqpa.record.log.decisions import DecisionLog
from qaqpa.record.log.errors import LogError
from qaqpa.record.log.putting import Draft
from qaqpa.record.log.reading import Kept, kept, names_of, row, rows
from qaqpa.record.log.tables import content

PSEUDONYM = "erased-"
"""What a pseudonym begins with."""

MOST_REASON = 200
"""Longest reason, characters."""

_CODES = frozenset({"role", "roles", "disciplines", "kind", "code", "codes", "control", "stage", "verdict", "unit"})
_IN_ONE_ROW = 400
_SHORTEST = 2
_PAGE = 100


@dataclass(frozen=True)
class Erased:
    """What was done: the numbers of the rows that say so, how many pieces of content it concerned.

    `left` are rows whose own signed bytes hold one of the values; those cannot be changed. `misfits` counts inputs with
    which no decision can be made again.
    """

    rows: Sequence[int]
    contents: int
    left: Sequence[int]
    misfits: int = 0


@dataclass(frozen=True)
class _Change:
    """Content, and what it becomes: None where it is erased whole."""

    item: Kept
    value: bytes | None
    salt: bytes

    @property
    def commitment(self) -> str | None:
        return None if self.value is None else commitment(self.salt, self.value)

    def write(self, connection: Any) -> None:
        gone = {"salt": None, "body": None, "digest": None}
        there = (
            {**gone, "salt": self.salt, "body": zlib.compress(self.value, 1), "actual": self.commitment}
            if self.value is not None
            else gone
        )
        still = (
            content.c.commitment == self.item.name,
            content.c.actual == self.item.actual,
            content.c.body.is_not(None),
        )
        if connection.execute(update(content).where(*still).values(**there)).rowcount != 1:
            raise LogError("Somebody else erased at the same time; nothing was erased now", mend="Try again")


_Find: TypeAlias = Callable[[Any], Iterator[tuple[Kept, bytes | None]]]


def erase_person(log: DecisionLog, values: Sequence[str], reason: str) -> Erased:
    """Replaces a person's login, party id or name in all that is kept.

    Args:
        log: where.
        values: all that stands for this one person; compared without regard to case, as whole words.
        reason: why; it stays in the log for ever.

    Raises:
        UsageError: a value is too short, or stands in the reason.
        LogError: the log cannot be used; nothing was erased.
    """
    for value in values:
        if len(value.strip()) < _SHORTEST or value.startswith(PSEUDONYM):
            raise UsageError(f"{value!r} names nobody", where="--person", required="a login, a party id or a name")
    pattern = re.compile(f"(?<![\\w@.-])(?:{'|'.join(map(re.escape, values))})(?![\\w@-]|\\.\\w)", re.IGNORECASE)
    _check_reason(reason, pattern)
    pseudonym = f"{PSEUDONYM}{secrets.token_hex(6)}"

    def changed(value: Json) -> Json:
        return _replaced(value, pattern, pseudonym)

    # What is appended meanwhile by a server that runs is found the next time.
    with log.database.reading() as connection:
        left = [found.seq for found in rows(connection) if pattern.search(_shown(found.body))]
    return _erase(log, lambda connection: _rewritten(connection, changed), reason, {"person": pseudonym}, left)


def erase_row(log: DecisionLog, seq: int, reason: str) -> Erased:
    """Erases all that is kept beside one row: what was asked and by whom, the input and the document.

    Raises:
        UsageError: there is no such row, or nothing is kept beside it.
        LogError: the log cannot be used; nothing was erased.
    """
    _check_reason(reason, None)
    with log.database.reading() as connection:
        found = row(connection, seq)
        names = sorted(names_of(peek(found.body)).values()) if found else []
        present = [item for item in kept(connection, names).values() if item.value is not None]
    if not present:
        raise UsageError("Nothing is kept beside this row", where=f"row {seq}", required="the number of a decision")
    return _erase(log, lambda _: iter([(item, None) for item in present]), reason, {"row": seq}, [])


def _erase(log: DecisionLog, find: _Find, reason: str, about: dict[str, Any], left: Sequence[int]) -> Erased:
    """Says what is going to be erased, and erases it in the same transaction."""
    with log.database.reading() as connection:
        changes = [_Change(item, value, secrets.token_bytes(32)) for item, value in find(connection)]
    pairs = [[change.item.name, change.commitment] for change in changes]
    drafts = [
        Draft(ERASE, {**about, "reason": reason, "contents": pairs[start : start + _IN_ONE_ROW]})
        for start in range(0, len(pairs), _IN_ONE_ROW)
    ]
    if not drafts:
        return Erased((), 0, left)

    def change_all(connection: Any) -> None:
        for change in changes:
            change.write(connection)

    appended = log.append([*drafts[:-1], replace(drafts[-1], also=change_all)]).numbers
    log.database.settle()
    return Erased(appended, len(changes), left, sum(map(_is_misfit, changes)))


def _rewritten(connection: Any, changed: Callable[[Json], Json]) -> Iterator[tuple[Kept, bytes | None]]:
    """Content that is another one after the change, and what it is then."""
    names = [str(name) for (name,) in connection.execute(select(content.c.commitment).order_by(content.c.commitment))]
    for start in range(0, len(names), _PAGE):
        for item in kept(connection, names[start : start + _PAGE]).values():
            if item.value is not None:
                after = compact(changed(json.loads(item.value)))
                if after != item.value:
                    yield item, after


def _replaced(value: Json, pattern: re.Pattern[str], pseudonym: str) -> Json:
    if isinstance(value, str):
        return pattern.sub(pseudonym, value)
    if isinstance(value, list):
        return [_replaced(item, pattern, pseudonym) for item in value]
    if isinstance(value, dict):
        # A role may have the name of a person.
        return {key: item if key in _CODES else _replaced(item, pattern, pseudonym) for key, item in value.items()}
    return value


def _is_misfit(change: _Change) -> bool:
    """True for an input that can be evaluated no more."""
    after = json.loads(change.value) if change.value is not None else {}
    if "evidence" not in after:
        return False
    try:
        check_input(after)
    except UndecidedError:
        return True
    return False


def _shown(body: bytes) -> str:
    entry = peek(body)
    return json.dumps(entry.fields, ensure_ascii=False)


def _check_reason(reason: str, pattern: re.Pattern[str] | None) -> None:
    required = f"1 to {MOST_REASON} characters on one line, such as the number of the request"
    if not reason.strip() or len(reason) > MOST_REASON or not reason.isprintable():
        raise UsageError("The reason cannot stand in the log", where="--reason", required=required)
    if pattern and pattern.search(reason):
        raise UsageError(
            "The reason names the person; it stays in the log for ever", where="--reason", required=required
        )
