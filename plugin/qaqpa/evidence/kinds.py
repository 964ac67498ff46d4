# SPDX-License-Identifier: Apache-2.0
"""The kinds of evidence. Each is a JSON Schema that also says what the kind binds and who supplies it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from qaqpa import times
from qaqpa.documents import Document, load_schema, validate, validator
from qaqpa.errors import UsageError
from qaqpa.model import Json, JsonObject
from qaqpa.resources import SCHEMAS

SYSTEM = "system"
"""The kind that holds the context."""

RESPONSIBILITY = "responsibility"
"""The kind that names who trains, owns and deploys."""

WAIVER = "waiver"
"""The kind of a dated exception."""

WITHDRAWAL = "withdrawal"
"""The kind by which a signer takes a statement back."""

OVERRIDE = "override"
"""The kind by which two persons let through what the gate refuses."""

OVERRIDE_REVIEW = "override_review"
"""The kind by which somebody else looks back at the use of an override."""

NEVER_JUDGED = frozenset({OVERRIDE, OVERRIDE_REVIEW})
"""Kinds that never reach the policies: they can neither meet a requirement nor fail one."""

NO_EVIDENCE = frozenset({SYSTEM, WAIVER, WITHDRAWAL}) | NEVER_JUDGED
"""Kinds that no control can rest on."""

LEAST_SIGNERS = {OVERRIDE: 2}
"""How many different persons have to sign a kind at least, whatever the parties file says."""

STAGE, STATEMENT = "stage", "statement"
"""What a kind may bind beside the model and the system."""

_FORMATS = frozenset({"date", "date-time"})


@dataclass(frozen=True)
class Kind:
    """A kind of evidence.

    `binds` is what it is about: `model` (void when one byte changes), `system` (void when the context changes) or both,
    with the `stage` for exceptions; `statement` for a withdrawal and for a review of an override.
    """

    name: str
    title: str
    binds: frozenset[str]
    actor: str
    schema: JsonObject

    @property
    def schema_name(self) -> str:
        """Its schema, as `qaqpa.documents.validate` takes it."""
        return f"evidence/{self.name}"

    @property
    def predicate_type(self) -> str:
        """Its in-toto predicate type."""
        return f"urn:qaqpa:evidence:{self.name}:v1"

    @property
    def carried_by_system(self) -> bool:
        """True where it is about the system only, and so is carried by the registered model, not by one version."""
        return self.binds == {"system"}

    def check(self, document: Document) -> None:
        """Validates an evidence file.

        Raises:
            DocumentError: with line and column of each error.
        """
        validate(document, self.schema_name)

    def fits(self, content: Json) -> bool:
        """True when content, with its `kind`, fits the schema."""
        return bool(validator(self.schema_name).is_valid(content))

    def facts(self, content: JsonObject) -> JsonObject:
        """The content as policies see it: without `kind`, and each date as `{"text", "seconds"}`."""
        timed: JsonObject = _timed(content, self.schema, self.schema)
        return {name: value for name, value in timed.items() if name != "kind"}


@lru_cache(maxsize=1)
def kinds() -> dict[str, Kind]:
    """All kinds by name."""
    found = {}
    for path in sorted((SCHEMAS / "evidence").glob("*.json")):
        schema = load_schema(f"evidence/{path.stem}")
        own = schema["x-qaqpa"]
        found[own["kind"]] = Kind(own["kind"], schema["title"], frozenset(own["binds"]), own["actor"], schema)
    return found


def kind(name: str) -> Kind:
    """A kind by name.

    Raises:
        UsageError: there is no such kind.
    """
    found = kinds().get(name)
    if found is None:
        raise UsageError(f"There is no kind of evidence {name!r}", required=f"one of {', '.join(kinds())}")
    return found


def _timed(value: Json, schema: JsonObject, root: JsonObject) -> Json:
    reference = schema.get("$ref")
    if reference:
        schema = root["$defs"][reference.rsplit("/", 1)[-1]]
    if schema.get("format") in _FORMATS and isinstance(value, str):
        return times.pair(times.parse(value), value)
    if isinstance(value, dict):
        properties = schema.get("properties", {})
        return {name: _timed(child, properties.get(name, {}), root) for name, child in value.items()}
    if isinstance(value, list):
        return [_timed(child, schema.get("items", {}), root) for child in value]
    return value
