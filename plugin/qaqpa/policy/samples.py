# SPDX-License-Identifier: Apache-2.0
"""Makes input documents from `schemas/input.json`, to compare the engines on: each value of each field, in turn.

For each kind of evidence there is one complete fact, and one for each change of one field: left out, at each end of its
range, each of its fixed values, empty, in the past and in the future. So with those who signed, who asks, the settings
and the stage. Waivers come with the controls that are asked for and without them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from functools import lru_cache
from itertools import islice

from qaqpa.evidence.kinds import SYSTEM, WAIVER
from qaqpa.model import Json, JsonObject, Separation, Stage, Strength
from qaqpa.policy.input_schema import input_schema

NOW = {"text": "2026-11-23T00:00:00Z", "seconds": 1795392000}
"""The moment of every sample."""

_DAY = 86400
_OFFSETS_DAYS = (-10000, -366, -31, 0, 1, 400)
_CONTROL_ID = "^[A-Z][A-Z0-9]*(-[A-Z0-9]+)*$"
_LONG_TEXT = 'Қазақша текст, 文字, \u2c2f\u200b, emoji \U0001f512, quote " and \\ and \t'


def samples(
    profiles: Sequence[str], controls: Sequence[str] = (), kinds: Collection[str] | None = None
) -> Iterator[JsonObject]:
    """Input documents for profiles: nothing known, everything complete, then each single change.

    Args:
        profiles: whose controls are asked for.
        controls: their ids, which waivers name.
        kinds: the kinds of evidence that are handed in beside the context; all of them where None.
    """
    context = _complete(input_schema()["properties"]["context"])
    named = [kind for kind in _kinds() if kinds is None or kind in {SYSTEM, WAIVER, *kinds}]
    complete = {kind: [_fact(kind, _complete(_definitions()[f"{kind}_predicate"]))] for kind in named}
    yield _request(profiles, {}, {})
    yield _request(profiles, context, complete)
    yield _request(profiles, context, {})
    yield from (_request(profiles, changed, complete) for changed in _context_changes(context))
    yield from variations(_request(profiles, {}, complete), controls)


def variations(document: JsonObject, controls: Sequence[str] = ()) -> Iterator[JsonObject]:
    """All single changes of an input that fits the schema, and waivers of the controls.

    What changes is the context, the first fact of each kind, who signed it, the settings, the stage and who asks.
    """
    yield from ({**document, "context": changed} for changed in _context_changes(document["context"]))
    evidence = document["evidence"]
    for kind, facts in evidence.items():
        yield _with_evidence(document, {name: others for name, others in evidence.items() if name != kind})
        for changed in _fact_changes(kind, facts[0]):
            yield _with_evidence(document, {**evidence, kind: [changed, *facts[1:]]})
        two = [{**facts[0], "strength": "signed"}, {**_declared(facts[0]), "id": f"{kind}-2"}]
        yield _with_settings(_with_evidence(document, {**evidence, kind: two}), minimum_strength="signed")
    yield from _frame_changes(document)
    yield from _gone_back(document)
    if controls:
        yield from _waived(document, controls)
        yield from _waived({**_with_evidence(document, {}), "stage": "review"}, controls)


def _fact_changes(kind: str, fact: JsonObject) -> Iterator[JsonObject]:
    for predicate in _changes(_definitions()[f"{kind}_predicate"], fact["predicate"]):
        yield {**fact, "predicate": predicate}
    for signers in _changes(_definitions()["signers"], fact["signers"]):
        yield {**fact, "signers": signers}
    yield from ({**fact, "strength": strength.value} for strength in Strength)
    yield {**fact, "strength": Strength.SIGNED.value, "against_only": True}
    yield _declared(fact)


def _frame_changes(document: JsonObject) -> Iterator[JsonObject]:
    for stage in Stage:
        yield from (_with_settings({**document, "stage": stage.value}, minimum_strength=low.value) for low in Strength)
    signers = {signer["id"] for facts in document["evidence"].values() for fact in facts for signer in fact["signers"]}
    for actor in (None, "nobody here", *sorted({*signers, *(signer.upper() for signer in signers)})):
        asked = {**document, "actor": actor}
        yield from (_with_settings(asked, separation_of_duties=setting.value) for setting in Separation)


def _gone_back(document: JsonObject) -> Iterator[JsonObject]:
    """Rollbacks: to decisions of different age, with evidence that ended before, since, not yet, or is too old."""
    evidence, now = document["evidence"], document["now"]
    for days in (-1, 0, 1, 90, 91):
        yield {**document, "rollback": {"decision": 7, "allowed_at": _later(now, -days)}}
    back = {**document, "rollback": {"decision": 7, "allowed_at": _later(now, -30)}}
    for days in (-40, -30, -1, 0, 1):
        ended = {"ended_at": _later(now, days)}
        marked = {kind: [{**fact, **ended} for fact in facts] for kind, facts in evidence.items() if kind != WAIVER}
        yield _with_evidence(back, marked)
    for kind, facts in evidence.items():
        ended = {"ended_at": _later(now, -1)}
        yield _with_evidence(back, {**evidence, kind: [{**facts[0], **ended}, *facts[1:]]})
        yield _with_evidence(back, {**evidence, kind: [{**facts[0], **ended, "strength": "signed"}, *facts]})
        yield _with_evidence(document, {**evidence, kind: [{**facts[0], **ended}]})
    for days in (370, 380, 400):
        yield _with_evidence(back, _aged(evidence, days))
    yield from ({**_with_evidence(back, _aged(evidence, 380)), "stage": stage.value} for stage in Stage)
    yield {**_with_evidence(back, _aged(evidence, 380)), "as_of": True}


def _aged(value: Json, days: int) -> Json:
    """A value with all of its times so many days before the moment of the samples."""
    if isinstance(value, list):
        return [_aged(item, days) for item in value]
    if not isinstance(value, dict):
        return value
    return _later(NOW, -days) if set(value) == {"text", "seconds"} else {key: _aged(value[key], days) for key in value}


def _waived(document: JsonObject, controls: Sequence[str]) -> Iterator[JsonObject]:
    predicate = {**_waiver_predicate(), "stage": document["stage"], "controls": list(controls)}
    waiver = {**_fact(WAIVER, predicate), "expires_at": _later(document["now"], 1)}
    mitigated = {**predicate, "category": "mitigated", "compensating": ["b", "a"]}
    for facts in (
        [waiver],
        [{**waiver, "strength": "signed"}],
        [_declared(waiver)],
        [{**waiver, "predicate": mitigated}, {**waiver, "id": "waiver-0"}],
        [{**waiver, "predicate": {**mitigated, "compensating": []}}],
        [{**waiver, "predicate": {**predicate, "controls": controls[::2]}}],
        [{**waiver, "predicate": {**predicate, "controls": _texts(_CONTROL_ID)}}],
        [{**waiver, "expires_at": document["now"]}],
        *([{**waiver, "predicate": {**predicate, "stage": stage.value}}] for stage in Stage),
    ):
        yield _with_evidence(document, {**document["evidence"], WAIVER: facts})


def _waiver_predicate() -> JsonObject:
    predicate: JsonObject = _complete(_definitions()[f"{WAIVER}_predicate"])
    return predicate


def _declared(fact: JsonObject) -> JsonObject:
    return {**fact, "strength": "declared", "envelope": "", "signers": []}


def _with_settings(document: JsonObject, **settings: str) -> JsonObject:
    return {**document, "settings": {**document["settings"], **settings}}


def _later(moment: JsonObject, days: int) -> JsonObject:
    return {"text": "2026-12-01", "seconds": moment["seconds"] + days * _DAY}


def _with_evidence(document: JsonObject, evidence: JsonObject) -> JsonObject:
    return {**document, "evidence": evidence}


def _context_changes(context: JsonObject) -> Iterator[Json]:
    return _changes(input_schema()["properties"]["context"], context)


def _kinds() -> list[str]:
    return [name.removesuffix("_predicate") for name in _definitions() if name.endswith("_predicate")]


@lru_cache(maxsize=1)
def _definitions() -> JsonObject:
    definitions: JsonObject = input_schema()["$defs"]
    return definitions


def _request(profiles: Sequence[str], context: Json, evidence: JsonObject) -> JsonObject:
    return {
        "now": NOW,
        "stage": "production",
        "profiles": list(profiles),
        "as_of": False,
        "settings": {
            "minimum_strength": "declared",
            "thresholds": {},
            "raised": [],
            "separation_of_duties": "when_known",
        },
        "actor": None,
        "subject": {"name": "credit", "version": "1", "digest": "ab" * 32, "trained_at": NOW},
        "context": context,
        "context_digest": None,
        "evidence": evidence,
        "rejected": [{"code": "signature_invalid", "kind": "audit", "source": "s", "detail": _LONG_TEXT}],
        "problems": [],
    }


def _fact(kind: str, predicate: Json) -> JsonObject:
    return {
        "id": f"{kind}-1",
        "strength": "independent",
        "source": "evidence.yaml",
        "issued_at": NOW,
        "expires_at": _later(NOW, 10) if kind == WAIVER else None,
        "envelope": "cd" * 32,
        "signers": _complete(_definitions()["signers"]),
        "against_only": False,
        "predicate": predicate,
    }


def _complete(schema: JsonObject) -> Json:
    """A value with every field."""
    schema = _resolved(schema)
    if schema.get("type") == "object":
        return {name: _complete(child) for name, child in schema.get("properties", {}).items()}
    if schema.get("type") == "array":
        return [_complete(schema["items"])]
    return next(iter(_alternatives(schema)))


def _changes(schema: JsonObject, value: Json) -> Iterator[Json]:
    """A value with one change anywhere inside it."""
    schema = _resolved(schema)
    if schema.get("type") == "object" and isinstance(value, dict) and set(schema["properties"]) != {"text", "seconds"}:
        for name, child in schema["properties"].items():
            if name in value:
                yield {key: item for key, item in value.items() if key != name}
                yield from ({**value, name: changed} for changed in _changes(child, value[name]))
    elif schema.get("type") == "array":
        yield []
        if not value:
            return
        yield from ([changed, *value[1:]] for changed in _changes(schema["items"], value[0]))
        yield from ([*value, changed] for changed in islice(_changes(schema["items"], value[0]), 2))
    else:
        yield from _alternatives(schema)


def _alternatives(schema: JsonObject) -> Sequence[Json]:
    """The values of one field that are worth trying; the first is an ordinary one."""
    if "const" in schema:
        return [schema["const"]]
    if "enum" in schema:
        return list(schema["enum"])
    if "properties" in schema:
        seconds = NOW["seconds"]
        return [{"text": "2026-11-20", "seconds": int(str(seconds)) + days * _DAY} for days in _OFFSETS_DAYS]
    if schema.get("type") == "boolean":
        return [True, False]
    if schema.get("type") in {"integer", "number"}:
        low, high = schema.get("minimum", 0), schema.get("maximum", 1000000)
        middle = (low + high) // 2 if schema["type"] == "integer" else 0.87
        return [middle, low, high, low + 1 if schema["type"] == "integer" else 0.1]
    return _texts(schema.get("pattern", ""))


def _texts(pattern: str) -> list[str]:
    fitting = {
        "^[0-9a-f]{64}$": "ab" * 32,
        "^[0-9a-f]{32}$": "cd" * 16,
        "^[a-z]{2}$": "kk",
        "^[A-Z]{2}$": "KZ",
        _CONTROL_ID: "ZZZ-99",
    }
    return [fitting[pattern]] if pattern in fitting else ["text", " ", _LONG_TEXT]


def _resolved(schema: JsonObject) -> JsonObject:
    while "$ref" in schema:
        schema = _definitions()[schema["$ref"].rsplit("/", 1)[-1]]
    return schema
