# SPDX-License-Identifier: Apache-2.0
"""Two servers with different requirements and another parties file share one registry and one log."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from faults.scene import Scene, configuration
from qaqpa import times
from qaqpa.record.log.chain import peek
from qaqpa.record.log.database import Database
from qaqpa.record.log.reading import row
from support.configurations import parties_part
from support.invariant import watched
from support.keyring import key_entry, organisation, person, to_yaml, trusted
from support.reconciled import differences
from support.registry import Registry
from support.servers import mlflow_server

pytestmark = pytest.mark.server

ROUNDS = 6


@pytest.fixture
def other(scene: Scene, tmp_path: Path) -> Iterator[Scene]:
    """The second server: its parties file is a later one, in which the data-protection officer has another key."""
    now = times.now()
    value = organisation(now, version=2)
    person(value, "dpo")["keys"] = [key_entry(now, "dpo", 2)]
    part = parties_part(tmp_path)
    trusted(tmp_path, now, text=to_yaml(value))
    own, _ = configuration(tmp_path, scene.source.key)
    first = scene.registry.server
    more = ["--artifacts-destination", str(scene.registry.directory / "artifacts")]
    with mlflow_server(tmp_path, first.database, own + part, parties=False, log=scene.source.url, more=more) as server:
        # Both keep what they are told in one list.
        yield replace(scene, registry=Registry(server, scene.registry.directory))


def test_each_decides_by_its_own_rules_and_one_log_has_it_all(scene: Scene, other: Scene) -> None:
    versions = [scene.good(), scene.good()]
    names = [version.name for version in versions]

    def promote(which: int) -> None:
        for number in range(ROUNDS):
            [scene, other][which % 2].promoted(versions[(which + number) // 2 % 2])

    with watched(scene.invariant), ThreadPoolExecutor(4) as pool:
        list(pool.map(promote, range(4)))
    assert differences(scene.invariant, scene.answers, names) == []
    kept = [kept for kept in scene.invariant.decisions.values() if kept.fields["model"] in names]
    assert {one.fields["verdict"] for one in kept} == {"allow", "deny"}
    # By the row of the start, which names configuration and parties file: each server gave one answer, always.
    by_start: dict[int, set[str]] = {}
    for one in kept:
        by_start.setdefault(one.fields["start"], set()).add(one.fields["verdict"])
    assert all(len(verdicts) == 1 for verdicts in by_start.values())
    with Database(scene.source).reading() as connection:
        parties = {number: peek(row(connection, number).body).fields["parties"] for number in by_start}
    assert {(parties[number] == 2, *verdicts) for number, verdicts in by_start.items()} == {
        (False, "allow"),
        (True, "deny"),
    }
