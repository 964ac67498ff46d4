# SPDX-License-Identifier: Apache-2.0
"""Writes the examples: `python tools/examples/make.py examples`, and then names where not all are meant.

Which kinds of evidence a variant needs is what its profiles ask for in its context. What is expected of it
(`expected.json`) is written by hand, and so are the README files.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import rfc8785
import yaml

import diagnosis
import waived
from drafts import DAY, Measured, Variant, systems, variants
from qaqpa import times
from qaqpa.evidence.carriers import Carried
from qaqpa.evidence.kinds import SYSTEM, kinds
from qaqpa.gate import decide, request_about
from qaqpa.model import Settings, Stage, Subject
from qaqpa.policy.embedded import EmbeddedEngine

MEASURED = {"medical-diagnosis": diagnosis.measured}
"""The systems whose model is real, and what measures it."""

WAIVED = {"medical-diagnosis"}
"""The systems that bring a signed waiver."""

BY_HAND = {"README.md", "expected.json"}
"""The names of the files that nobody makes here."""

_WIDTH = 110


def files(system: str) -> dict[str, bytes]:
    """All files of a system that are made, by path inside its directory."""
    found = dict(waived.trusted()) if system in WAIVED else {}
    for name in variants(system):
        measured = MEASURED[system](name) if system in MEASURED else Measured()
        variant = _with_kinds(Variant(system, name, measured))
        own = _files(variant)
        if system in WAIVED:
            own["evidence/waiver.json"] = waived.waiver(measured.files, variant.context)
        found |= {f"{name}/{path}": data for path, data in own.items()}
    return found


def write(base: Path, system: str) -> None:
    """Writes all files of a system into its directory, and removes what an earlier run left there."""
    made = {base / path: data for path, data in files(system).items()}
    for path in [path for path in base.rglob("*") if path.is_file()]:
        if path not in made and path.name not in BY_HAND:
            path.unlink()
    for path, data in made.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


def _files(variant: Variant) -> dict[str, bytes]:
    """All files of a variant, by path inside its directory."""
    found = dict(variant.documents)
    for name in (SYSTEM, *variant.kinds):
        path = "context.yaml" if name == SYSTEM else f"evidence/{name}.yaml"
        found[path] = f"# {kinds()[name].title}: {variant.origin(name)}.\n{_yaml(variant.content(name))}".encode()
    return found


def _with_kinds(variant: Variant) -> Variant:
    """The variant with the kinds of evidence that its profiles ask for in its context."""
    engine = _engine()
    draft = Carried("context.yaml", rfc8785.dumps(variant.context).decode(), kind=SYSTEM, draft=True)
    request = request_about(
        Subject(name=variant.context["models"][0]["name"]),
        [draft],
        stage=Stage.REVIEW,
        profiles=tuple(variant.profiles),
        settings=Settings(),
        now=times.parse(DAY.isoformat()),
    )
    asked = [one["control"] for one in decide(request, engine).findings if one["status"] != "not_applicable"]
    needed = {name for control in asked for name in engine.catalog.controls[control]["evidence"]}
    return replace(variant, kinds=tuple(sorted(needed)))


@lru_cache
def _engine() -> EmbeddedEngine:
    return EmbeddedEngine.open(None)


def _yaml(content: dict[str, Any]) -> str:
    text: str = yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=_WIDTH)
    return text


def main() -> None:
    """Writes the systems named on the command line below its directory, all where none is named."""
    parser = argparse.ArgumentParser(description="Writes the examples.")
    parser.add_argument("directory", type=Path)
    parser.add_argument("system", nargs="*", help=", ".join(systems()))
    args = parser.parse_args()
    for system in args.system or systems():
        write(args.directory / system, system)


if __name__ == "__main__":
    main()
