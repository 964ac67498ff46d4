# SPDX-License-Identifier: Apache-2.0
"""Runs the same thing on OPA and on the WebAssembly that OPA compiled, and compares the answers."""

from __future__ import annotations

import re
import tarfile
import tempfile
from collections.abc import Collection, Sequence
from pathlib import Path

from qaqpa.errors import UndecidedError
from qaqpa.model import Json
from qaqpa.policy.bundle import WASM
from qaqpa.policy.embedded import EmbeddedEngine
from qaqpa.policy.interpreter import interpreter
from qaqpa.policy.machine import FUEL_PER_SECOND, Code, Machine, MachineError
from qaqpa.policy.opa import PolicyError, run_opa, run_tests


def opa_answers(policies: Path, inputs: Sequence[Json]) -> list[Json]:
    """The decision documents of OPA's interpreter, None where it gave none.

    Raises:
        PolicyError: it did not answer every input.
    """
    with interpreter(policies) as opa:
        return opa.answers(inputs)


def embedded_answers(engine: EmbeddedEngine, inputs: Sequence[Json]) -> list[Json]:
    """The decision documents of the embedded engine, None where it gave none."""
    return [_embedded_answer(engine, document) for document in inputs]


def differing(policies: Path, engine: EmbeddedEngine, inputs: Sequence[Json]) -> list[int]:
    """The positions of the inputs on which the engines do not give the same document."""
    pairs = zip(opa_answers(policies, inputs), embedded_answers(engine, inputs), strict=True)
    return [position for position, (one, other) in enumerate(pairs) if one != other]


def run_tests_on_both(policies: Path, packages: Collection[str] | None = None) -> list[str]:
    """Runs the tests of a policy directory under OPA, then the same test rules compiled to WebAssembly.

    Args:
        policies: the directory.
        packages: the last names of the packages whose tests are run; every test where None.

    Returns:
        The tests as entry points, `qaqpa/controls/ndq_02_test/test_…`.

    Raises:
        PolicyError: a test fails on either engine, or there is none.
    """
    listed = run_tests(policies, rf"\.({'|'.join(sorted(packages))})\." if packages is not None else "")
    entries = [f"{test['package'].removeprefix('data.').replace('.', '/')}/{test['name']}" for test in listed]
    entries = sorted({entry for entry in entries if re.fullmatch(r"[\w/]+", entry)})
    with tempfile.TemporaryDirectory() as scratch:
        archive = Path(scratch, "tests.tar.gz")
        named = [argument for entry in entries for argument in ("-e", entry)]
        run_opa(["build", "-t", "wasm", *named, "-b", policies.name, "-o", str(archive)], policies.parent)
        with tarfile.open(archive) as tar:
            wasm, data = (_read(tar, name) for name in (WASM, "data.json"))
    try:
        machine = Machine(Code(wasm, once=True), data)
        failed = [entry for entry in entries if not _holds(machine, machine.entrypoints[entry])]
    except (MachineError, KeyError) as error:
        raise PolicyError(f"The tests do not run as WebAssembly: {error}") from error
    if failed:
        raise PolicyError(f"These tests hold under OPA and fail as WebAssembly: {', '.join(failed)}")
    return entries


def _holds(machine: Machine, number: int) -> bool:
    return bool(machine.evaluate(number, b"{}", 10 * FUEL_PER_SECOND) == [{"result": True}])


def _embedded_answer(engine: EmbeddedEngine, document: Json) -> Json:
    try:
        return engine.evaluate(document).document
    except UndecidedError:
        return None


def _read(tar: tarfile.TarFile, name: str) -> bytes:
    file = tar.extractfile(f"/{name}")
    return file.read() if file else b""
