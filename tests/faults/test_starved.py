# SPDX-License-Identifier: Apache-2.0
"""A process of the server has no file descriptor left: nothing is promoted by it, and later all is well."""

from __future__ import annotations

import resource

import pytest

from faults.scene import Scene

pytestmark = pytest.mark.server


def test_without_file_descriptors(scene: Scene) -> None:
    version = scene.good()
    asking = scene.asking(version, later=True)
    worker = asking.worker()
    before = resource.prlimit(worker, resource.RLIMIT_NOFILE)
    # What is open stays open.
    resource.prlimit(worker, resource.RLIMIT_NOFILE, (3, before[1]))
    try:
        asking.ask()
        answer = asking.answer()
    finally:
        resource.prlimit(worker, resource.RLIMIT_NOFILE, before)
    assert answer.status not in {200, None}
    assert scene.registry.aliases(version.name) == {}
    assert [scene.promoted(version).status for _ in range(4)] == [200] * 4
