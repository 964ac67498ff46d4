# SPDX-License-Identifier: Apache-2.0
"""Generates `schemas/input.json`: the frame of the input document, with every kind of evidence as policies see it.

It stands alone, because OPA does not follow references from one schema file to another.
"""

from __future__ import annotations

import json
from types import MappingProxyType

from qaqpa.documents import load_schema
from qaqpa.evidence.kinds import NEVER_JUDGED, STAGE, STATEMENT, WAIVER
from qaqpa.model import Json, JsonObject
from qaqpa.resources import SCHEMAS

LAST_SECOND = 253402300799
"""9999-12-31T23:59:59Z in seconds since 1970-01-01T00:00:00Z."""

_TEXT = {"type": "string", "maxLength": 20000}
_ID = {"type": "string", "minLength": 1, "maxLength": 1000}
_DIGEST = {"type": "string", "maxLength": 200}


def input_schema() -> JsonObject:
    """The JSON Schema of the input document."""
    found = {path.stem: load_schema(f"evidence/{path.stem}") for path in sorted((SCHEMAS / "evidence").glob("*.json"))}
    # What is about another statement never reaches the policies, nor what lets through what they refuse.
    judged = {kind: schema for kind, schema in found.items() if kind not in NEVER_JUDGED}
    kinds = {kind: schema for kind, schema in judged.items() if STATEMENT not in _binds(schema)}
    definitions: dict[str, Json] = {"time": _time(), "time_or_null": _or_null("time"), "signers": _signers()}
    for kind, schema in kinds.items():
        for name, shared in schema.get("$defs", {}).items():
            definition = _timed(shared)
            if definitions.setdefault(name, definition) != definition:
                raise ValueError(f"$defs/{name} of evidence/{kind}.json differs from that of another kind")
        definitions[f"{kind}_predicate"] = _predicate(schema)
        definitions[f"{kind}_facts"] = {"type": "array", "maxItems": 1000, "items": _fact(kind)}
    context = {**definitions["system_predicate"], "required": []}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:qaqpa:schema:input:v1",
        "title": "Input of the policies",
        "description": "Generated from schemas/evidence. What the policies see: verified facts, and nothing else.",
        **_closed(
            {
                "now": _described(_ref("time"), "The moment of the decision."),
                "as_of": {"type": "boolean", "description": "The moment was chosen, and is not the present."},
                "stage": _described(_stage(), "Where the model is to go."),
                "profiles": {"type": "array", "maxItems": 100, "items": _ID, "description": "The profiles asked for."},
                "settings": _settings(),
                "actor": _described(_or_null_text(_ID), "Party id of whoever asks; null where that is not known."),
                "subject": _subject(),
                "context": _described(context, "The context; fields that are left out count as the strictest value."),
                "context_digest": _described(_or_null_text(_DIGEST), "SHA-256 of the canonical context."),
                "evidence": {
                    "description": "Verified facts by kind of evidence.",
                    **_closed({kind: _ref(f"{kind}_facts") for kind in kinds}, required=()),
                },
                "rejected": _entries("What was refused.", ("code", "kind", "source", "detail")),
                "problems": _entries("What makes the decision undecided.", ("code", "detail")),
            },
            optional={"rollback": _rollback()},
        ),
        "$defs": definitions,
    }


def write_input_schema() -> None:
    """Writes `schemas/input.json`."""
    (SCHEMAS / "input.json").write_text(render(), "utf-8")


def render() -> str:
    """The text of `schemas/input.json`."""
    return json.dumps(input_schema(), indent=2, ensure_ascii=False) + "\n"


def _closed(
    properties: JsonObject, required: tuple[str, ...] | None = None, optional: JsonObject = MappingProxyType({})
) -> dict[str, Json]:
    needed = list(properties) if required is None else list(required)
    known = {**properties, **optional}
    return {"type": "object", "additionalProperties": False, "required": needed, "properties": known}


def _ref(name: str) -> dict[str, Json]:
    return {"$ref": f"#/$defs/{name}"}


def _described(schema: JsonObject, text: str) -> dict[str, Json]:
    return {**schema, "description": text}


def _or_null(name: str) -> dict[str, Json]:
    return {"anyOf": [_ref(name), {"type": "null"}]}


def _or_null_text(text: JsonObject) -> dict[str, Json]:
    return {"anyOf": [text, {"type": "null"}]}


def _stage() -> dict[str, Json]:
    return {"enum": ["review", "staging", "production"]}


def _time() -> dict[str, Json]:
    seconds = {
        "type": "integer",
        "minimum": 0,
        "maximum": LAST_SECOND,
        "description": "Seconds since 1970-01-01T00:00:00Z; of a date, its first second in UTC.",
    }
    text = {"type": "string", "minLength": 1, "maxLength": 100, "description": "The time as it was written."}
    return {"description": "A time, UTC.", **_closed({"text": text, "seconds": seconds})}


def _settings() -> dict[str, Json]:
    numbers = {"type": "object", "additionalProperties": {"type": "number"}}
    return {
        "description": "What the configuration tells the policies.",
        **_closed(
            {
                "minimum_strength": {
                    "enum": ["declared", "signed", "independent"],
                    "description": "The least strength that counts; in production more may be needed.",
                },
                "thresholds": {
                    "type": "object",
                    "additionalProperties": numbers,
                    "description": "Tightened thresholds by control and name.",
                },
                "raised": {
                    "type": "array",
                    "maxItems": 1000,
                    "items": _ID,
                    "description": "Controls, and `CONTROL/code`, that deny where they would only warn.",
                },
                "separation_of_duties": {
                    "enum": ["off", "when_known", "required"],
                    "description": "Whether the one who asks may be the only one who signed, in production.",
                },
            }
        ),
    }


def _subject() -> dict[str, Json]:
    return {
        "description": "The model version that is judged.",
        **_closed(
            {
                "name": _described(_ID, "Name of the registered model."),
                "version": _described(_TEXT, "Its version; empty for a directory."),
                "digest": _described(_or_null_text(_DIGEST), "The model digest; null where no bytes are known."),
                "trained_at": _described(_ref("time_or_null"), "When it was trained."),
            }
        ),
    }


def _rollback() -> dict[str, Json]:
    decision = {
        "type": "integer",
        "minimum": 1,
        "maximum": 9007199254740991,
        "description": "The number of its row in the decision log.",
    }
    return {
        "description": "The earlier decision to which the model goes back; left out where there is none.",
        **_closed({"decision": decision, "allowed_at": _described(_ref("time"), "Its moment.")}),
    }


def _fact(kind: str) -> dict[str, Json]:
    # An exception without an end would be a rule.
    end = _ref("time") if kind == WAIVER else _ref("time_or_null")
    return {
        **_closed(
            {
                "id": _described(_ID, "SHA-256 of the payload."),
                "strength": {
                    "enum": ["declared", "signed", "independent"],
                    "description": "How much stands behind it.",
                },
                "source": _described(_TEXT, "The file or tag that carries it."),
                "issued_at": _ref("time_or_null"),
                "expires_at": end,
                "envelope": _described(_DIGEST, "SHA-256 of the signed envelope; empty where nobody signed."),
                "signers": _ref("signers"),
                "against_only": {
                    "type": "boolean",
                    "description": "It was refused for who signed it, and can only say that a requirement is not met.",
                },
                "predicate": _ref(f"{kind}_predicate"),
            },
            optional={"ended_at": _described(_ref("time"), "When it ended, where it counts in a rollback only.")},
        ),
        **_borne_out("declared", {"maxItems": 0}, _borne_out("independent", _INDEPENDENT, _signed_by({"minItems": 1}))),
    }


_INDEPENDENT: JsonObject = {"contains": {"required": ["independent"], "properties": {"independent": {"const": True}}}}


def _borne_out(strength: str, signers: JsonObject, otherwise: JsonObject) -> dict[str, Json]:
    """A fact is as strong as those who signed it make it. OPA does not read `if`, and stumbles over `allOf`."""
    return {"if": {"properties": {"strength": {"const": strength}}}, "then": _signed_by(signers), "else": otherwise}


def _signed_by(signers: JsonObject) -> dict[str, Json]:
    return {"properties": {"signers": signers}}


def _signers() -> dict[str, Json]:
    texts = {"type": "array", "maxItems": 100, "items": _ID}
    signer = {
        "description": "A person whose signature counts, as the parties file describes them.",
        **_closed(
            {
                "id": _described(_ID, "Party id."),
                "unit": _described(_TEXT, "The part of the organisation, or the other one, that they work in."),
                "roles": _described(texts, "What they may sign as."),
                "disciplines": _described(texts, "What they master."),
                "independent": {"type": "boolean", "description": "Shown to be independent of this very model."},
            }
        ),
    }
    return {"type": "array", "maxItems": 1000, "items": signer, "description": "Who signed; each person once."}


def _predicate(schema: JsonObject) -> dict[str, Json]:
    timed = _timed({name: value for name, value in schema.items() if name[0] != "$" and name != "x-qaqpa"})
    timed["properties"] = {name: value for name, value in timed["properties"].items() if name != "kind"}
    timed["required"] = [name for name in timed.get("required", []) if name != "kind"]
    if STAGE in _binds(schema):
        timed["properties"]["stage"] = _described(_stage(), "The stage that it is for.")
        timed["required"].append("stage")
    return dict(timed)


def _binds(schema: JsonObject) -> list[str]:
    return list(schema["x-qaqpa"]["binds"])


def _timed(schema: Json) -> Json:
    """A schema in which every date has become a time object."""
    if isinstance(schema, list):
        return [_timed(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    if schema.get("format") in {"date", "date-time"}:
        return _described(_ref("time"), schema["description"]) if "description" in schema else _ref("time")
    return {name: _timed(value) for name, value in schema.items()}


def _entries(text: str, names: tuple[str, ...]) -> dict[str, Json]:
    entry = _closed(dict.fromkeys(names, _TEXT))
    return {"type": "array", "maxItems": 1000, "description": text, "items": entry}
