# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import dataclasses
import os
import tarfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import wasmtime

from qaqpa.errors import UndecidedError
from qaqpa.policy import codecache, machine
from qaqpa.policy.bundle import Bundle, load_bundle
from qaqpa.policy.compile import build
from qaqpa.policy.embedded import EmbeddedEngine
from qaqpa.policy.machine import Code, Machine, MachineError
from qaqpa.policy.opa import run_opa
from qaqpa.policy.samples import samples
from support.opa import require_opa


@pytest.fixture
def own() -> EmbeddedEngine:
    return EmbeddedEngine.open()


@pytest.fixture(scope="module")
def documents() -> list[Any]:
    return list(samples(sorted(load_bundle().catalog.profiles)))[:40]


def test_engine_names_itself_and_its_policies(own: EmbeddedEngine, documents: list[Any]) -> None:
    answer = own.evaluate(documents[0])
    assert answer.policy_digest == own.policy_digest == load_bundle().policy_digest
    assert answer.engine == own.name
    assert own.name.startswith("embedded (wasmtime ")
    assert answer.document["schema"] == "urn:qaqpa:schema:decision:v1"


def test_answers_do_not_depend_on_what_was_asked_before(own: EmbeddedEngine, documents: list[Any]) -> None:
    first = [own.evaluate(document).document for document in documents]
    again = [own.evaluate(document).document for document in reversed(documents)]
    assert again[::-1] == first
    assert first == [EmbeddedEngine.open().evaluate(document).document for document in documents[:3]] + first[3:]


def test_too_slow_is_undecided_and_the_next_decision_is_sound(own: EmbeddedEngine, documents: list[Any]) -> None:
    expected = own.evaluate(documents[1]).document
    fuel, own._fuel = own._fuel, 10_000
    with pytest.raises(UndecidedError, match="took too long"):
        own.evaluate(documents[1])
    own._fuel = fuel
    assert own.evaluate(documents[1]).document == expected


def test_too_much_memory_is_undecided_and_the_next_decision_is_sound(
    documents: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(machine, "MEMORY_BYTES", 8 << 20)
    engine = EmbeddedEngine.open()
    expected = engine.evaluate(documents[1]).document
    with pytest.raises(UndecidedError, match="could not be evaluated"):
        engine.evaluate({**documents[1], "profiles": ["x" * 1000] * 10000})
    assert engine.evaluate(documents[1]).document == expected


def test_deep_nesting_traps_and_the_next_decision_is_sound(own: EmbeddedEngine, documents: list[Any]) -> None:
    deep: Any = []
    for _ in range(900):
        deep = [deep]
    expected = own.evaluate(documents[1]).document
    try:
        own.evaluate({**documents[1], "context": deep})
    except UndecidedError as error:
        assert "could not be evaluated" in str(error)  # noqa: PT017 - both outcomes are sound
    assert own.evaluate(documents[1]).document == expected


def test_memory_stays_flat(own: EmbeddedEngine, documents: list[Any]) -> None:
    for document in documents:
        own.evaluate(document)
    assert own._machine is not None
    before = own._machine._memory.data_len(own._machine._store)
    for _ in range(20):
        for document in documents:
            own.evaluate(document)
    assert own._machine._memory.data_len(own._machine._store) == before


@pytest.mark.parametrize("value", [float("nan"), object(), "\ud800", {1, 2}])
def test_input_that_is_not_json_is_undecided(own: EmbeddedEngine, value: Any) -> None:
    with pytest.raises(UndecidedError, match="not JSON"):
        own.evaluate({"profiles": value})


def test_large_input_is_read_whole(own: EmbeddedEngine, documents: list[Any]) -> None:
    refusals = [{"code": f"c{n}", "kind": "audit", "source": "s", "detail": "x" * 1000} for n in range(500)]
    answer = own.evaluate({**documents[0], "rejected": refusals}).document
    assert len(answer["rejected"]) == 500


def test_text_in_any_script_comes_back_unchanged(own: EmbeddedEngine, documents: list[Any]) -> None:
    name = 'қақпа 門 \U0001f512 "\\ \n\t\x00 \u2028'
    subject = {**documents[0]["subject"], "name": name}
    assert own.evaluate({**documents[0], "subject": subject}).document["subject"]["name"] == name


def test_threads_get_their_own_answers(own: EmbeddedEngine, documents: list[Any]) -> None:
    expected = [own.evaluate(document).document for document in documents]
    wrong: list[int] = []

    def ask(offset: int) -> None:
        order = [*range(offset, len(documents)), *range(offset)]
        wrong.extend(n for n in order if own.evaluate(documents[n]).document != expected[n])

    threads = [threading.Thread(target=ask, args=(offset,)) for offset in (0, 7, 19, 31)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


@pytest.mark.parametrize("held", [False, True])
def test_engine_works_after_a_fork_even_one_in_the_middle_of_a_decision(
    own: EmbeddedEngine, documents: list[Any], *, held: bool
) -> None:
    expected = own.evaluate(documents[1]).document
    if held:
        own._lock.acquire()
    child = os.fork()
    if child == 0:
        try:
            fresh = EmbeddedEngine.open().evaluate(documents[1]).document
            os._exit(0 if own.evaluate(documents[1]).document == expected == fresh else 1)
        finally:
            os._exit(2)
    if held:
        own._lock.release()
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert own.evaluate(documents[1]).document == expected


def made(wasm: bytes, data: bytes = b"{}") -> Bundle:
    return Bundle("00", "1.20.2", wasm, data)


@pytest.mark.parametrize(
    "wasm", [b"", b"not wasm", wasmtime.wat2wasm("(module)"), wasmtime.wat2wasm('(module (import "x" "y" (func)))')]
)
def test_module_that_opa_did_not_make_is_undecided(wasm: bytes) -> None:
    with pytest.raises(UndecidedError, match=r"cannot be run.*qaqpa policy build"):
        EmbeddedEngine(made(bytes(wasm)))


def test_data_that_are_not_json_are_undecided() -> None:
    with pytest.raises(UndecidedError, match="the data are not JSON"):
        EmbeddedEngine(dataclasses.replace(load_bundle(), data=b"{"))


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    require_opa()
    (tmp_path / "policies").mkdir()
    return tmp_path / "policies"


def compiled(small: Path, text: str) -> EmbeddedEngine:
    (small / "gate.rego").write_text(text)
    build(small, small.parent / "compiled")
    return EmbeddedEngine.open(small.parent / "compiled")


@pytest.mark.opa
def test_endless_work_ends(small: Path) -> None:
    numbers = "[a | some a in input.n; some b in input.n; some c in input.n; some d in input.n; a + b + c + d == -1]"
    engine = compiled(small, f"package qaqpa.gate\n\ndecision := count({numbers})\n")
    with pytest.raises(UndecidedError, match="took too long"):
        engine.evaluate({"n": list(range(1000))})
    assert engine.evaluate({"n": [1]}).document == 0


@pytest.mark.opa
def test_module_with_many_entrypoints_starts(small: Path) -> None:
    names = [f"rule_{number}_{'x' * 200}" for number in range(300)]
    (small / "a.rego").write_text("package a\n\n" + "\n".join(f"{name} := 1" for name in names))
    entries = [argument for name in names for argument in ("-e", f"a/{name}")]
    run_opa(["build", "-t", "wasm", *entries, "-b", "policies", "-o", "b.tar.gz"], small.parent)
    with tarfile.open(small.parent / "b.tar.gz") as tar:
        wasm = tar.extractfile("/policy.wasm").read()  # type: ignore[union-attr]  # it is a file
    started = Machine(Code(wasm, once=True), b"{}")
    assert started.evaluate(started.entrypoints[f"a/{names[-1]}"], b"{}", machine.FUEL_PER_SECOND) == [{"result": 1}]


@pytest.mark.opa
def test_undefined_decision_is_undecided(small: Path) -> None:
    engine = compiled(small, "package qaqpa.gate\n\ndecision := 1 if input.x\n")
    assert engine.evaluate({"x": True}).document == 1
    with pytest.raises(UndecidedError, match="gave no decision"):
        engine.evaluate({})


@pytest.mark.opa
def test_conflicting_rules_are_undecided_and_named(small: Path) -> None:
    engine = compiled(small, "package qaqpa.gate\n\ndecision := 1 if input.x\n\ndecision := 2 if input.y\n")
    with pytest.raises(UndecidedError, match=r"gate\.rego:5.*conflict"):
        engine.evaluate({"x": True, "y": True})
    assert engine.evaluate({"y": True}).document == 2


@pytest.mark.opa
def test_builtin_of_the_host_is_refused_when_the_module_is_loaded(small: Path) -> None:
    (small / "gate.rego").write_text('package qaqpa.gate\n\ndecision := sprintf("%d", [input.x])\n')
    run_opa(["build", "-t", "wasm", "-e", "qaqpa/gate/decision", "-b", "policies", "-o", "b.tgz"], small.parent)
    with tarfile.open(small.parent / "b.tgz") as tar:
        file = tar.extractfile("/policy.wasm")
        assert file is not None
        wasm = file.read()
    with pytest.raises(MachineError, match="sprintf"):
        Machine(Code(wasm), b"{}")


def test_kept_machine_code_is_used_and_damaged_code_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, documents: list[Any]
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    expected = EmbeddedEngine.open().evaluate(documents[0]).document
    kept = next((tmp_path / "qaqpa").iterdir())
    compiles: list[object] = []
    real = wasmtime.Module

    class Counting(real):  # type: ignore[misc, valid-type]  # a class found at run time
        def __init__(self, *arguments: Any) -> None:
            compiles.append(arguments)
            super().__init__(*arguments)

    monkeypatch.setattr(wasmtime, "Module", Counting)
    assert EmbeddedEngine.open().evaluate(documents[0]).document == expected
    used = len(compiles)
    kept.write_bytes(kept.read_bytes()[:-1])
    assert EmbeddedEngine.open().evaluate(documents[0]).document == expected
    assert len(compiles) == 2 * used + 1
    monkeypatch.setattr(codecache, "load", lambda _key: b"code of another version")
    assert EmbeddedEngine.open().evaluate(documents[0]).document == expected
