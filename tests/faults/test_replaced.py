# SPDX-License-Identifier: Apache-2.0
"""The parties file, and the policies, are replaced while somebody is judged: each decision is from one version."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from faults.scene import COMPILED, Scene
from qaqpa import times
from qaqpa.policy.embedded import EmbeddedEngine
from qaqpa.record.log.database import Database
from qaqpa.record.log.listing import recorded
from qaqpa.record.log.replay import replay
from support.invariant import watched
from support.keyring import key_entry, organisation, person, signed_text, to_yaml
from support.reconciled import Answer, differences
from support.registry import Version

pytestmark = pytest.mark.server

ASKED, CLIENTS, SECONDS = 16, 4, 3.0


def _parties(version: int) -> str:
    """Says in each unit which version it is of; in even versions the data-protection officer has another key."""
    now = times.now()
    value = organisation(now, version=version)
    for entry in value["parties"]:
        entry["unit"] += f"-v{version}"
    if version % 2 == 0:
        person(value, "dpo")["keys"] = [key_entry(now, "dpo", 2)]
    return signed_text(to_yaml(value))


@contextmanager
def _replaced(file: Path) -> Iterator[None]:
    """Puts one version after the other in place."""
    ended = threading.Event()
    prepared = [_parties(version) for version in range(2, 40)]

    def replace() -> None:
        for text in prepared:
            beside = file.with_name("next.json")
            beside.write_text(text, encoding="utf-8")
            beside.replace(file)
            if ended.wait(0.25):
                return

    thread = threading.Thread(target=replace)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
        # Versions only grow, and the other tests need an officer.
        file.write_text(_parties(41), encoding="utf-8")


@contextmanager
def _spoiled(directory: Path) -> Iterator[None]:
    """Writes half of the policies, takes them away, and puts them back, again and again."""
    ended = threading.Event()

    def spoil() -> None:
        while not ended.wait(0.2):
            for name in ("policy.wasm", "data.json", "manifest.json"):
                whole = (COMPILED / name).read_bytes()
                (directory / name).write_bytes(whole[: len(whole) // 2])
            ended.wait(0.2)
            shutil.rmtree(directory)
            ended.wait(0.2)
            shutil.copytree(COMPILED, directory)

    thread = threading.Thread(target=spoil)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def test_the_parties_file(scene: Scene) -> None:
    file = scene.registry.directory / "parties.signed.json"
    version = scene.good()
    with watched(scene.invariant), _replaced(file), ThreadPoolExecutor(CLIENTS) as pool:
        until = time.monotonic() + SECONDS
        told = pool.map(lambda _: _asked(scene, version, until), range(CLIENTS))
        answers = [answer for some in told for answer in some]
    assert {answer.status for answer in answers} == {200, 403}
    assert differences(scene.invariant, scene.answers, [version.name]) == []
    verdicts: dict[int, set[str]] = {}
    for kept in scene.invariant.of(answers[0].action):
        found = recorded(Database(scene.source), kept.seq)
        units = _units(found.input)
        assert len(units) <= 1, "signers as two versions of the file know them"
        for unit in units:
            verdicts.setdefault(int(unit.removeprefix("v")), set()).add(kept.fields["verdict"])
    assert {number % 2 for number in verdicts} == {0, 1}
    assert all(found == {"allow" if number % 2 else "deny"} for number, found in verdicts.items()), verdicts


def _asked(scene: Scene, version: Version, until: float) -> list[Answer]:
    found = []
    while time.monotonic() < until:
        found.append(scene.promoted(version))
    return found


def _units(value: Any) -> set[str]:
    """The version in each unit that an input names."""
    if isinstance(value, dict):
        own = {unit.rpartition("-")[2]} if isinstance(unit := value.get("unit"), str) and "-v" in unit else set()
        return own.union(*map(_units, value.values()))
    return set().union(*map(_units, value)) if isinstance(value, list) else set()


def test_the_policies(scene: Scene, engine: EmbeddedEngine) -> None:
    version = scene.good()
    with ThreadPoolExecutor(CLIENTS) as pool:
        # All workers have to be up: one that comes up while the policies are spoiled refuses everything.
        assert all(answer.status == 200 for answer in pool.map(lambda _: scene.promoted(version), range(8 * CLIENTS)))
    with _spoiled(scene.registry.directory / "policies"), ThreadPoolExecutor(CLIENTS) as pool:
        answers = list(pool.map(lambda _: scene.promoted(version), range(ASKED)))
    assert {answer.status for answer in answers} == {200}
    assert scene.invariant.look() == []
    assert differences(scene.invariant, scene.answers, [version.name]) == []
    for kept in scene.invariant.of(answers[0].action):
        assert kept.fields["policy"] == engine.policy_digest
        assert replay(recorded(Database(scene.source), kept.seq), engine).is_same
