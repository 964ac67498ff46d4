# SPDX-License-Identifier: Apache-2.0
"""The files of a policy directory that have to fit together, and those of them that are checked."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cached_property
from pathlib import Path

from qaqpa.documents import Document, DocumentError, load_schema, read, validate
from qaqpa.evidence.kinds import SYSTEM
from qaqpa.model import JsonObject
from qaqpa.policy.index import control_id, control_names
from qaqpa.policy.opa import PolicyError

Problems = Iterator[PolicyError]


class Parts:
    """All of `policies`, and of that what lies in `where`, which is checked."""

    def __init__(self, policies: Path, where: Path) -> None:
        self.policies, self.where = policies, where
        self.controls = {control_id(name): name for name in control_names(policies)}
        self.rules = {
            control_id(path.stem): path
            for path in sorted(where.glob("controls/*/*.rego"))
            if not path.stem.endswith("_test")
        }

    def own_files(self, folder: str) -> list[Path]:
        """The files to check in a folder of data."""
        return sorted(self.where.glob(f"{folder}/*/data.*"))

    @cached_property
    def acts(self) -> dict[str, JsonObject]:
        """Every act that can be read, by its id."""
        return self._all("law")

    @cached_property
    def cards(self) -> dict[str, JsonObject]:
        """Every card that can be read, by its control."""
        return self._all("catalog")

    @cached_property
    def profiles(self) -> dict[str, JsonObject]:
        """Every profile that can be read, by its id."""
        return self._all("profiles")

    @cached_property
    def context_fields(self) -> list[str]:
        """The fields of the context."""
        return sorted(load_schema(f"evidence/{SYSTEM}")["properties"])

    def _all(self, folder: str) -> dict[str, JsonObject]:
        found: dict[str, JsonObject] = {}
        for path in sorted(self.policies.glob(f"{folder}/*/data.*")):
            own = self.where / path.relative_to(self.policies)
            found[path.parent.name] = _value(own if own.exists() else path)
        return found


def _value(path: Path) -> JsonObject:
    try:
        value = read(path).value
    except DocumentError:
        # Its own check says what is wrong with it.
        return {}
    return value if isinstance(value, dict) else {}


def checked(path: Path, schema: str, required: str, check: Callable[[Document], Problems]) -> Problems:
    """Problems of one file: those of its form, or where it has none, those that `check` finds."""
    try:
        document = read(path)
        validate(document, schema)
    except DocumentError as error:
        mend = f"Correct the {schema}; CONTRIBUTING.md describes the fields"
        yield PolicyError(error.found, where=error.where, required=error.required or required, mend=mend)
    else:
        yield from check(document)


def unknown(what: str, name: object, where: str, known: Iterator[str] | list[str], mend: str) -> PolicyError:
    """The problem of a name that does not exist."""
    return PolicyError(f"{what} {name!r}", where=where, required=f"one of {', '.join(known)}", mend=mend)
