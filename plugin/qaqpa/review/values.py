# SPDX-License-Identifier: Apache-2.0
"""Which values of the context and of evidence differ from the base: to be read by whoever reviews, and no judgement.

A limit that somebody declares and lowers together with what is measured violates nothing, so that it is seen only here.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import PurePath

from qaqpa import times
from qaqpa.escape import visible
from qaqpa.evidence.directory import Directory
from qaqpa.evidence.errors import StatementError
from qaqpa.evidence.pieces import read_statement
from qaqpa.model import Json, JsonObject
from qaqpa.report.judged import Note
from qaqpa.review.tree import EVIDENCE

MAX_SHOWN = 12
"""Most values of one file that are shown; of others only their number."""

_LONGEST = 60
_MAX_IN_NOTE = 500
_DECLARED = re.compile("threshold|limit|until|direction|declared")
_NAMES = ("name", "id")
_ABSENT = "—"
_KEPT_BEFORE = 10

_Difference = tuple[str, Json, Json]


def changed_values(before: Directory, now: Directory) -> Iterator[Note]:
    """The values that differ, for each file that both have; what came or went as a whole is told elsewhere."""
    for file, old, new in _pairs(_contents(before), _contents(now)):
        found = sorted(_differences("", old, new), key=_order)
        yield from _notes(file, [_told(*one) for one in found[:MAX_SHOWN]])
        if len(found) > MAX_SHOWN:
            yield Note("note.values_changed_more", {"file": file, "count": len(found) - MAX_SHOWN})


def _contents(directory: Directory) -> dict[tuple[str, str], JsonObject]:
    """The content of each draft and statement, by kind and file."""
    found = {}
    for carried in directory.carried:
        try:
            content = json.loads(carried.text) if carried.draft else read_statement(carried.text)[0].content
        except StatementError:
            # That it is refused, and why, is said with the decision.
            continue
        path = PurePath(carried.source)
        inside = f"{EVIDENCE}/" if path.parent.name == EVIDENCE else ""
        found[str(content["kind"]), f"{inside}{path.name}"] = content
    return found


def _pairs(
    before: Mapping[tuple[str, str], JsonObject], now: Mapping[tuple[str, str], JsonObject]
) -> Iterator[tuple[str, JsonObject, JsonObject]]:
    """Files of the same name, else those that are the only ones left of their kind."""
    gone, come = (_by_kind(set(one) - set(other)) for one, other in ((before, now), (now, before)))
    for key, content in sorted(now.items(), key=lambda item: item[0]):
        kind, file = key
        alone = len(gone.get(kind, ())) == 1 == len(come.get(kind, ()))
        earlier = key if key in before else (kind, gone[kind][0]) if alone else None
        if earlier:
            yield file, before[earlier], content


def _by_kind(keys: set[tuple[str, str]]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for kind, file in sorted(keys):
        found.setdefault(kind, []).append(file)
    return found


def _differences(path: str, old: Json, new: Json) -> Iterator[_Difference]:
    parts = _parts(old, new)
    if parts is None:
        if old != new or isinstance(old, bool) != isinstance(new, bool):
            yield path, old, new
        return
    for name in sorted({*parts[0], *parts[1]}):
        yield from _differences(f"{path}/{name}" if path else name, parts[0].get(name), parts[1].get(name))


def _parts(old: Json, new: Json) -> tuple[JsonObject, JsonObject] | None:
    """What two values consist of, by name or by place; None where they are compared as a whole."""
    if isinstance(old, dict) and isinstance(new, dict):
        return old, new
    records = all(isinstance(one, list) and all(isinstance(item, dict) for item in one) for one in (old, new))
    if not records or not (old and new):
        return None
    for name in _NAMES:
        named = [{item[name]: item for item in one if isinstance(item.get(name), str)} for one in (old, new)]
        if all(len(by_name) == len(one) for by_name, one in zip(named, (old, new), strict=True)):
            return named[0], named[1]
    counted = [{str(place): item for place, item in enumerate(one, 1)} for one in (old, new)]
    return counted[0], counted[1]


def _order(difference: _Difference) -> tuple[bool, bool, int, str]:
    """Limits that somebody declared, then numbers, answers and days, so that words cannot push them out."""
    path, old, new = difference
    declared = _DECLARED.search(path.rpartition("/")[2])
    measured = any(isinstance(one, (int, float)) or (isinstance(one, str) and times.is_day(one)) for one in (old, new))
    return not declared, not measured, path.count("/"), path


def _told(path: str, old: Json, new: Json) -> str:
    texts = [_text(old), _text(new)]
    start = 0
    if max(map(len, texts)) > _LONGEST:
        start = max(0, len(os.path.commonprefix(texts)) - _KEPT_BEFORE)
    shown = [visible(f"…{text[start:]}" if 0 < start < len(text) else text, _LONGEST) for text in texts]
    return f"{visible(path, _LONGEST)}: {shown[0]} → {shown[1]}"


def _text(value: Json) -> str:
    if value is None:
        return _ABSENT
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _notes(file: str, told: list[str]) -> Iterator[Note]:
    """As many in one note as are shown of a note as a whole."""
    together: list[str] = []
    for one in told:
        if together and len(", ".join([*together, one])) > _MAX_IN_NOTE:
            yield Note("note.values_changed", {"file": file, "values": together})
            together = []
        together.append(one)
    if together:
        yield Note("note.values_changed", {"file": file, "values": together})
