# SPDX-License-Identifier: Apache-2.0
"""Both engines compare names alike, whatever their letters: their tables of Unicode are not equally new."""

from __future__ import annotations

import json
import tarfile
from pathlib import Path
from typing import Any

import pytest

from qaqpa.policy.bundle import DATA, WASM
from qaqpa.policy.machine import FUEL_PER_SECOND, Code, Machine
from qaqpa.policy.opa import run_opa

pytestmark = pytest.mark.opa

FOLDED = "package folded\n\nimport data.qaqpa.fields\n\nanswer := [fields.folded(text) | some text in input]\n"
LOWERED = "package lowered\n\nanswer := [lower(text) | some text in input]\n"
BATCH = 20000


def every_character() -> list[str]:
    return [chr(code) for code in range(0x110000) if not 0xD800 <= code < 0xE000]


@pytest.fixture(scope="module")
def folder(policies: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The libraries alone, with two entrypoints."""
    folder = tmp_path_factory.mktemp("folding")
    (folder / "p").mkdir()
    (folder / "p" / "fields.rego").write_bytes((policies / "lib" / "fields.rego").read_bytes())
    (folder / "p" / "folded.rego").write_text(FOLDED, "utf-8")
    (folder / "p" / "lowered.rego").write_text(LOWERED, "utf-8")
    return folder


@pytest.fixture(scope="module")
def machine(folder: Path) -> Machine:
    archive = folder / "b.tar.gz"
    run_opa(
        ["build", "-t", "wasm", "-e", "folded/answer", "-e", "lowered/answer", "-b", "p", "-o", str(archive)], folder
    )
    with tarfile.open(archive) as tar:
        wasm, data = (tar.extractfile(f"/{name}").read() for name in (WASM, DATA))  # type: ignore[union-attr]  # both are files
    return Machine(Code(wasm, once=True), data)


def of_opa(folder: Path, package: str, texts: list[str]) -> list[str]:
    (folder / "input.json").write_text(json.dumps(texts), "utf-8")
    command = ["eval", "--format", "raw", "-b", "p", "-i", "input.json", f"data.{package}.answer"]
    found: list[str] = json.loads(run_opa(command, folder))
    return found


def of_wasm(machine: Machine, package: str, texts: list[str]) -> list[str]:
    found: list[str] = []
    for start in range(0, len(texts), BATCH):
        document = json.dumps(texts[start : start + BATCH], ensure_ascii=False).encode()
        answer: Any = machine.evaluate(machine.entrypoints[f"{package}/answer"], document, 20 * FUEL_PER_SECOND)
        found += answer[0]["result"]
    return found


def test_every_character_is_folded_alike(folder: Path, machine: Machine) -> None:
    texts = every_character()
    theirs, ours = of_opa(folder, "folded", texts), of_wasm(machine, "folded", texts)
    different = [hex(ord(text)) for text, one, other in zip(texts, theirs, ours, strict=True) if one != other]
    assert different == [], "letters for `_small` in policies/lib/fields.rego"


def test_lower_alone_differs(folder: Path, machine: Machine) -> None:
    """Where this fails, a later OPA knows the same letters in both engines, and `_small` may go."""
    texts = ["\u2c2f", "\U00010570"]
    assert of_opa(folder, "lowered", texts) == ["\u2c5f", "\U00010597"]
    assert of_wasm(machine, "lowered", texts) == texts
