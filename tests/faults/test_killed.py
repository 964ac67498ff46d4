# SPDX-License-Identifier: Apache-2.0
"""A process of the server is killed (`kill -9`) at a chosen moment, while somebody waits for a promotion.

Nothing in the gate helps with that: whatever the process needs next is held, in the database, until it is dead.
"""

from __future__ import annotations

import os
import signal
from contextlib import ExitStack

import pytest

from faults.scene import Scene, eventually

pytestmark = pytest.mark.server


def test_killed_between_decision_and_write(scene: Scene) -> None:
    version = scene.good()
    with scene.registry_held(version.name):
        asking = scene.asking(version)
        worker = asking.worker()
        asking.until_decided()
        os.kill(worker, signal.SIGKILL)
        assert asking.answer().status is None
    assert scene.outcome(asking.action) == [("allow", None)]
    assert scene.registry.aliases(version.name) == {}
    # The other process goes on, and the supervisor starts a new one.
    assert scene.promoted(version).status == 200
    assert scene.outcome(asking.action) == [("allow", None), ("allow", "written")]
    eventually(lambda: len(scene.workers()) == 2 and worker not in scene.workers(), "a new process")


def test_killed_between_write_and_outcome(scene: Scene) -> None:
    version = scene.good()
    with ExitStack() as log_held:
        with scene.registry_held(version.name):
            asking = scene.asking(version)
            worker = asking.worker()
            asking.until_decided()
            log_held.enter_context(scene.log_held())
        eventually(lambda: scene.registry.aliases(version.name), "the write")
        os.kill(worker, signal.SIGKILL)
        assert asking.answer().status is None
    assert scene.outcome(asking.action) == [("allow", None)]
    assert scene.registry.aliases(version.name) == {"production": version.number}
    eventually(lambda: len(scene.workers()) == 2 and worker not in scene.workers(), "a new process")


def test_killed_before_the_decision_is_kept(scene: Scene) -> None:
    version = scene.good()
    with scene.log_held():
        asking = scene.asking(version)
        os.kill(asking.worker(), signal.SIGKILL)
        assert asking.answer().status is None
    assert scene.outcome(asking.action) == []
    assert scene.registry.aliases(version.name) == {}
    assert scene.promoted(version).status == 200
    eventually(lambda: len(scene.workers()) == 2, "a new process")
