# SPDX-License-Identifier: Apache-2.0
"""Makes a recorded decision again, from its recorded input and the policies that it was made with."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import rfc8785

from qaqpa.errors import UndecidedError
from qaqpa.gate import decide_document
from qaqpa.model import Decision, Json, JsonObject
from qaqpa.policy.engine import Engine
from qaqpa.record.log.listing import Recorded

_MADE_HERE = frozenset({"engine_failed", "gate_failed"})


@dataclass(frozen=True)
class Replayed:
    """A decision made again. `is_same` is true where its canonical JSON (RFC 8785) is the recorded one, byte for byte.

    Where personal data was erased, lists are compared without regard to their order, which follows names; `is_altered`.
    """

    decision: Decision
    is_same: bool
    is_altered: bool
    differences: tuple[str, ...]


def replay(recorded: Recorded, engine: Engine) -> Replayed:
    """Decides again.

    Args:
        recorded: the decision.
        engine: has the policies of the digest that is recorded.

    Raises:
        UndecidedError: too much was erased, or no policies made the document.
    """
    fields, where = recorded.listed.entry.fields, _where(recorded)
    document, given = check_left(recorded)
    made_here = [problem for problem in document["problems"] if problem["code"] in _MADE_HERE]
    if engine.policy_digest != fields["policy"]:
        raise UndecidedError(
            f"These are the policies {engine.policy_digest}", where=where, required=f"the policies {fields['policy']}"
        )
    again = decide_document(given, engine)
    before, after = _comparable(document, recorded), _comparable(again.document, recorded)
    same = rfc8785.dumps(before) == rfc8785.dumps(after)
    if recorded.is_altered and not same:
        raise UndecidedError("What was erased is needed to make this decision again", where=where)
    if made_here and not same:
        raise UndecidedError(
            f"No policies made this decision: {made_here[0]['detail']}",
            where=where,
            required="a decision that the policies made",
        )
    return Replayed(again, same, recorded.is_altered, () if same else tuple(_different(before, after)))


def check_left(recorded: Recorded) -> tuple[JsonObject, JsonObject]:
    """The recorded document and input, where both are there.

    Raises:
        UndecidedError: they were erased, or never were.
    """
    if recorded.is_erased:
        raise UndecidedError("What was decided was erased", where=_where(recorded), mend="qaqpa log show says when")
    if recorded.document is None or recorded.input is None:
        raise UndecidedError("There was no decision that could be made again", where=_where(recorded))
    return recorded.document, recorded.input


def _where(recorded: Recorded) -> str:
    return f"row {recorded.listed.entry.seq} of the decision log"


def _comparable(document: JsonObject, recorded: Recorded) -> Any:
    return _unordered(document) if recorded.is_altered else document


def _unordered(value: Json) -> Json:
    if isinstance(value, dict):
        return {key: _unordered(item) for key, item in value.items()}
    if isinstance(value, list):
        return sorted((_unordered(item) for item in value), key=lambda item: json.dumps(item, sort_keys=True))
    return value


def _different(before: JsonObject, after: JsonObject) -> list[str]:
    return sorted(name for name in {*before, *after} if before.get(name) != after.get(name))
