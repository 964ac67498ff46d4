# SPDX-License-Identifier: Apache-2.0
"""Builds the policies of a user: the shipped ones, with controls, cards, profiles and acts from a directory of theirs.

They are used only when both engines say the same: their tests run on both, and so do inputs made from the schema,
and the example inputs in `inputs/*.json` with each single change of them.
"""

from __future__ import annotations

import json
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from qaqpa.documents import read
from qaqpa.model import JsonObject
from qaqpa.policy.bundle import load_bundle
from qaqpa.policy.calendar import write_calendar
from qaqpa.policy.check import check_input
from qaqpa.policy.compile import build
from qaqpa.policy.differential import differing, run_tests_on_both
from qaqpa.policy.embedded import EmbeddedEngine
from qaqpa.policy.fit import check_cards
from qaqpa.policy.guard import Names, check_rego, package_of
from qaqpa.policy.index import control_names, write_index
from qaqpa.policy.opa import PolicyError
from qaqpa.policy.samples import samples, variations
from qaqpa.resources import POLICIES

# What a user's directory may hold, by path.
_CONTROL = re.compile(r"controls/[a-z0-9_]+/[a-z0-9_]+\.rego")
_DATA = re.compile(r"(catalog|profiles|law)/[A-Za-z0-9_.-]+/data\.(yaml|json)")
_INPUT = re.compile(r"inputs/[^/]+\.json")
_NOTE = re.compile(r"[^/]+\.md")
_LAYOUT = (
    "controls/<family>/<control>.rego with <control>_test.rego, catalog/<ID>/data.yaml, profiles/<id>/data.yaml, "
    "law/<act>/data.yaml, inputs/<name>.json, <note>.md"
)


# Shipped tests that look at all controls and profiles, the user's too. The others passed when the policies were made.
_ABOUT_ALL = frozenset({"index_test"})


@dataclass(frozen=True)
class Built:
    """What was built and on how much the engines agreed; `own_tests` of the `tests` are the user's."""

    policy_digest: str
    tests: int
    inputs: int
    own_tests: int


def build_user_policies(directory: Path, out: Path) -> Built:
    """Checks, tests and compiles a user's policies together with the shipped ones.

    Args:
        directory: theirs; the layout is that of the shipped policies, without `gate` and `lib`.
        out: where the compiled bundle goes; `EmbeddedEngine.open(out)` and an OPA server load it.

    Raises:
        PolicyError: a file is out of place or replaces a shipped one, OPA refuses a policy, a test fails, or the
            engines do not agree.
        DocumentError: an example input is not JSON.
        UndecidedError: an example input does not fit schemas/input.json.
    """
    with tempfile.TemporaryDirectory() as scratch:
        merged, compiled = Path(scratch, "policies"), Path(scratch, "compiled")
        shutil.copytree(POLICIES, merged)
        _merge(directory, merged)
        write_index(merged)
        write_calendar(merged)
        check_cards(merged, directory)
        check_rego(merged)
        build(merged, compiled)
        names = {path.stem for path in directory.glob("controls/*/*_test.rego")}
        tests = run_tests_on_both(merged, {*names, *_ABOUT_ALL})
        engine = EmbeddedEngine.open(compiled)
        inputs = [*_examples(directory, engine), *_made(engine)]
        _expect_agreement(merged, engine, inputs)
        out.mkdir(parents=True, exist_ok=True)
        for file in sorted(compiled.iterdir(), key=lambda path: path.name == "manifest.json"):
            shutil.copyfile(file, out / file.name)
    own = [test for test in tests if test.split("/")[-2] in names]
    return Built(load_bundle(out).policy_digest, len(tests), len(inputs), len(own))


def _merge(directory: Path, merged: Path) -> None:
    if not directory.is_dir():
        raise PolicyError("There is no such directory", where=str(directory), required=_LAYOUT)
    for path in sorted(directory.rglob("*")):
        name = path.relative_to(directory).as_posix()
        if path.is_symlink():
            raise PolicyError("Symbolic links are not followed", where=str(path), mend="Put the file itself there")
        if path.is_dir() or _INPUT.fullmatch(name) or _NOTE.fullmatch(name):
            continue
        if not _CONTROL.fullmatch(name) and not _DATA.fullmatch(name):
            raise PolicyError("The file is out of place", where=str(path), required=_LAYOUT)
        target = merged / name
        taken = target if _CONTROL.fullmatch(name) else target.parent
        if (POLICIES / taken.relative_to(merged)).exists() or target.stem in _shipped():
            raise PolicyError("The file replaces a shipped one", where=str(path), mend="Give it an id of its own")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
        if _CONTROL.fullmatch(name):
            _check_package(merged, name, str(path))


def _check_package(merged: Path, name: str, where: str) -> None:
    """A file may add its own package only: one more rule in a shipped package could switch a shipped control off.

    OPA's parser says what the package is: a text can look like a package statement and be none, and the reverse.
    """
    package, stem = package_of(merged, name), Path(name).stem
    required = f"package qaqpa.controls.{stem}"
    if package != ("data", "qaqpa", "controls", stem):
        found = f"The file does not hold the package that its name says, but {'.'.join(package[1:])}"
        raise PolicyError(found, where=where, required=required)
    if package in _shipped_packages():
        found = f"The file adds to the package of a shipped file, {_shipped_packages()[package]}"
        raise PolicyError(found, where=where, mend="Give it an id of its own")


@lru_cache(maxsize=1)
def _shipped_packages() -> Mapping[Names, str]:
    """The shipped packages, each with a file that has it."""
    names = [path.relative_to(POLICIES).as_posix() for path in sorted(POLICIES.rglob("*.rego"))]
    return {package_of(POLICIES, name): name for name in names}


def _shipped() -> set[str]:
    names = control_names(POLICIES)
    return {*names, *(f"{name}_test" for name in names)}


def _examples(directory: Path, engine: EmbeddedEngine) -> Iterator[JsonObject]:
    for path in sorted((directory / "inputs").glob("*.json")):
        document = read(path).value
        check_input(document)
        yield document
        yield from variations(document, sorted(engine.catalog.asked(document["profiles"])))


def _made(engine: EmbeddedEngine) -> Iterator[JsonObject]:
    own = sorted(set(engine.catalog.profiles) - set(load_bundle().catalog.profiles))
    profiles = own or sorted(engine.catalog.profiles)
    asked = sorted(engine.catalog.asked(profiles))
    # What no card asks for was compared when the shipped policies were made.
    yield from samples(
        profiles, asked, {kind for control in asked for kind in engine.catalog.controls[control]["evidence"]}
    )


def _expect_agreement(merged: Path, engine: EmbeddedEngine, inputs: Sequence[JsonObject]) -> None:
    positions = differing(merged, engine, inputs)
    if positions:
        example = json.dumps(inputs[positions[0]], ensure_ascii=False)
        raise PolicyError(
            f"The two engines differ on {len(positions)} of {len(inputs)} inputs, for example on {example[:2000]}",
            required="the same decision document from OPA and from the WebAssembly that OPA compiles",
            mend="Look for arithmetic on decimals, sets that were not sorted, and builtins that fail on odd values",
        )
