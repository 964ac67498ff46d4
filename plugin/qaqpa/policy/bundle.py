# SPDX-License-Identifier: Apache-2.0
"""The policies as they are shipped: which files decide, their digest, their compiled form, and their data."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from qaqpa.errors import UndecidedError
from qaqpa.model import JsonObject
from qaqpa.resources import COMPILED

ENTRYPOINT = "qaqpa/gate/decision"
"""The rule that makes the decision document."""

WASM, DATA, MANIFEST, SERVER_BUNDLE = "policy.wasm", "data.json", "manifest.json", "bundle.tar.gz"
"""The files of a compiled bundle: for the embedded engine the first three, for an OPA server the last."""

_DATA_FILES = frozenset({"data.yaml", "data.json", ".manifest"})


def decides(path: Path) -> bool:
    """True for a file of a policy directory that reaches decisions: Rego without tests, data, the bundle's manifest."""
    return path.name in _DATA_FILES or (path.suffix == ".rego" and not path.name.endswith("_test.rego"))


def policy_files(directory: Path) -> list[Path]:
    """The files that reach decisions, sorted by their path below `directory`."""
    found = (path for path in directory.rglob("*") if decides(path) and path.is_file())
    return sorted(found, key=lambda path: path.relative_to(directory).as_posix())


def policy_digest(directory: Path) -> str:
    """The digest of a policy directory: `dirHash` over the files that reach decisions, 64 hexadecimal digits."""
    lines = [
        f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.relative_to(directory).as_posix()}\n"
        for path in policy_files(directory)
    ]
    return hashlib.sha256("".join(lines).encode()).hexdigest()


@dataclass(frozen=True)
class Catalog:
    """The data beside the rules: control cards, profiles and acts, each by its id.

    `levels` says by control and code what the rule itself makes of a violation that it does not simply deny: `warn`,
    `by_risk`, or several. It is for people who read of a control, and decides nothing.
    """

    controls: Mapping[str, JsonObject]
    profiles: Mapping[str, JsonObject]
    law: Mapping[str, JsonObject]
    levels: Mapping[str, Mapping[str, Sequence[str]]] = field(default_factory=dict)

    @classmethod
    def of(cls, data: JsonObject) -> Catalog:
        """The catalog in the data of a bundle."""
        return cls(data.get("catalog", {}), data.get("profiles", {}), data.get("law", {}))

    def known(self, profiles: Sequence[str]) -> list[str]:
        """Those of the profiles that exist, sorted, each once."""
        return sorted({profile for profile in profiles if profile in self.profiles})

    def claiming(self, place: str) -> list[str]:
        """The profiles that claim what the law of a place asks: `KZ` or `EU`. Sorted."""
        return sorted(
            name
            for name, profile in self.profiles.items()
            if profile.get("statutory")
            and any(self.law.get(act, {}).get("jurisdiction") == place for act in profile["acts"])
        )

    def asked(self, profiles: Sequence[str]) -> dict[str, dict[str, JsonObject]]:
        """The controls that profiles ask for: by control id, then by profile, what the profile demands of it."""
        asked: dict[str, dict[str, JsonObject]] = {}
        for profile in self.known(profiles):
            for control, demand in self.profiles[profile]["controls"].items():
                asked.setdefault(control, {})[profile] = demand
        return asked


@dataclass(frozen=True)
class Bundle:
    """Compiled policies whose bytes are those that their manifest names.

    Attributes:
        policy_digest: digest of the policies that were compiled.
        opa: version of the OPA that compiled them.
        levels: see `Catalog`.
    """

    policy_digest: str
    opa: str
    wasm: bytes = field(repr=False)
    data: bytes = field(repr=False)
    levels: Mapping[str, Mapping[str, Sequence[str]]] = field(default_factory=dict, repr=False)

    @cached_property
    def catalog(self) -> Catalog:
        """Cards, profiles and acts."""
        return replace(Catalog.of(json.loads(self.data)), levels=self.levels)


def load_bundle(directory: Path | None = None) -> Bundle:
    """Reads compiled policies; those that are shipped where no directory is given.

    Raises:
        UndecidedError: a file is missing, or is not the one that the manifest names.
    """
    folder = directory or COMPILED
    try:
        manifest = json.loads((folder / MANIFEST).read_bytes())
        wasm, data = (folder / WASM).read_bytes(), (folder / DATA).read_bytes()
        named = {name: manifest["sha256"][name] for name in (WASM, DATA)}
        bundle = Bundle(manifest["policy_digest"], manifest["opa"], wasm, data, manifest.get("levels", {}))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise _broken(folder, f"The compiled policies cannot be read ({error})", directory is None) from error
    for name, content in ((WASM, wasm), (DATA, data)):
        if hashlib.sha256(content).hexdigest() != named.get(name):
            raise _broken(folder, f"{name} is not the file that the manifest names", directory is None)
    return bundle


def _broken(folder: Path, found: str, shipped: bool) -> UndecidedError:  # noqa: FBT001 - private, two callers
    mend = "Install Qaqpa again" if shipped else "Compile the policies again with `qaqpa policy build`"
    return UndecidedError(found, where=str(folder), required=f"{MANIFEST}, {WASM} and {DATA} of one build", mend=mend)
