# SPDX-License-Identifier: Apache-2.0
"""A connection to a database is cut at a chosen moment, while somebody waits for a promotion."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import ExitStack

import pytest
from sqlalchemy import text

from faults.scene import Scene

pytestmark = pytest.mark.server


def _terminate(scene: Scene, pids: Iterable[int]) -> None:
    with scene.behind.connect() as connection:
        for pid in pids:
            connection.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": pid})


def test_the_registry_goes_away_between_decision_and_write(scene: Scene) -> None:
    version = scene.good()
    with ExitStack() as held:
        connection = held.enter_context(scene.registry_held(version.name))
        asking = scene.asking(version)
        asking.until_decided()
        if scene.is_file:
            # Nobody can cut off a file that is open; a table that is gone fails in the same way.
            connection.exec_driver_sql("ALTER TABLE registered_model_aliases RENAME TO gone")
            connection.commit()
        else:
            _terminate(scene, scene.backends(log=False))
        answer = asking.answer()
        held.close()
        if scene.is_file:
            with scene.behind.begin() as connection:
                connection.exec_driver_sql("ALTER TABLE gone RENAME TO registered_model_aliases")
    assert answer.status not in {200, None}
    # Who was cut off cannot tell whether it was written; who was refused by the database can.
    assert scene.outcome(asking.action) == [("allow", "failed" if scene.is_file else None)]
    assert scene.registry.aliases(version.name) == {}
    assert scene.promoted(version).status == 200


def test_the_log_goes_away_between_write_and_outcome(scene: Scene) -> None:
    version = scene.good()
    with ExitStack() as log_held:
        with scene.registry_held(version.name):
            asking = scene.asking(version)
            asking.until_decided()
            log_held.enter_context(scene.log_held())
        # As soon as it waits for the log, again and again: it connects once more when it was cut off.
        while not (asking.is_answered or scene.is_file):
            _terminate(scene, scene.waiting_for_log())
        answer = asking.answer()
    assert answer.status == 200, "it is in production, and whoever asked has to know"
    assert scene.outcome(asking.action) == [("allow", None)]
    assert scene.registry.aliases(version.name) == {"production": version.number}
    assert scene.promoted(version).status == 200
    assert scene.outcome(asking.action) == [("allow", None), ("allow", "written")]


def test_all_connections_are_cut_while_nobody_uses_them(scene: Scene) -> None:
    if scene.is_file:
        pytest.skip("a file has no connections")
    version = scene.good()
    assert scene.promoted(version).status == 200
    _terminate(scene, [*scene.backends(log=True), *scene.backends(log=False)])
    assert [scene.promoted(version).status for _ in range(4)] == [200] * 4
