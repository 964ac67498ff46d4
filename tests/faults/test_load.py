# SPDX-License-Identifier: Apache-2.0
"""Eight clients promote the same and different versions while processes are killed and connections cut.

A short spell; `FAULTS_SECONDS=60 pytest tests/faults/test_load.py` goes on for a minute.
"""

from __future__ import annotations

import itertools
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress

import pytest
import requests
from sqlalchemy import text

from faults.scene import Scene, eventually
from support.invariant import watched
from support.reconciled import differences
from support.registry import Version

pytestmark = [pytest.mark.server, pytest.mark.timeout(900)]

SECONDS = float(os.environ.get("FAULTS_SECONDS", "6"))
CLIENTS = 8
_SHORTEST_PAUSE, _LONGEST_PAUSE = 2.0, 5.0
# So that a failure can be told again.
_RANDOM = random.Random(7)


def _versions(scene: Scene) -> list[list[Version]]:
    """What each client promotes: half of them three versions of one model, one of them denied; the others their own."""
    first = scene.good()
    shared = [first, scene.another(first), scene.another(first, good=False)]
    own = [[scene.good()] for _ in range(CLIENTS // 2)]
    return [*([shared] * (CLIENTS - len(own))), *own]


def _promote(scene: Scene, versions: list[Version], until: float, chance: random.Random) -> None:
    for number in itertools.count():
        if time.monotonic() > until:
            return
        version = versions[number % len(versions)]
        if chance.random() < 0.1:
            # Nobody asks whether that may be done; whether it was is not asked here.
            with suppress(requests.RequestException):
                body = {"name": version.name, "alias": "production"}
                scene.registry.post("registered-models/alias", body, "DELETE")
            continue
        with suppress(ConnectionError):
            scene.promoted(version, chance.choice(["", "", "Production"]))


@contextmanager
def _troubled(scene: Scene) -> Iterator[Counter[str]]:
    """Kills processes of the server, and cuts its connections to PostgreSQL, at random moments."""
    ended, done = threading.Event(), Counter[str]()

    def trouble() -> None:
        while not ended.wait(_RANDOM.uniform(_SHORTEST_PAUSE, _LONGEST_PAUSE)):
            workers = scene.workers()
            if len(workers) > 1:
                with suppress(ProcessLookupError):
                    os.kill(_RANDOM.choice(workers), signal.SIGKILL)
                    done["killed"] += 1
            if not scene.is_file:
                with scene.behind.connect() as connection:
                    for pid in [*scene.backends(log=True), *scene.backends(log=False)][::2]:
                        connection.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": pid})
                        done["cut"] += 1

    thread = threading.Thread(target=trouble)
    thread.start()
    try:
        yield done
    finally:
        ended.set()
        thread.join()
        eventually(lambda: len(scene.workers()) == 2, "two processes again")


def test_eight_clients(scene: Scene, capsys: pytest.CaptureFixture[str]) -> None:
    versions = _versions(scene)
    names = {version.name for some in versions for version in some}
    looked = scene.invariant.looked
    with watched(scene.invariant), _troubled(scene) as troubles, ThreadPoolExecutor(CLIENTS) as pool:
        until = time.monotonic() + SECONDS
        clients = [pool.submit(_promote, scene, some, until, random.Random(n)) for n, some in enumerate(versions)]
        for client in clients:
            client.result()
    answers = [answer for answer in scene.answers if any(f" of {name} version " in answer.action for name in names)]
    told = Counter("broken" if answer.status is None else answer.status for answer in answers)
    with capsys.disabled():
        looks = scene.invariant.looked - looked
        sys.stdout.write(f"\nanswers {dict(told)} in {SECONDS:g} s, {dict(troubles)}, looked {looks} times\n")
    assert told[200]
    assert told[403]
    assert troubles["killed"]
    assert scene.invariant.looked - looked > 2
    # Whoever is killed, or cut off from the log, between a write and its outcome can have told a client first.
    assert differences(scene.invariant, answers, names, taken_out=names, log_was_cut=not scene.is_file) == []
    _verified(scene)


def _verified(scene: Scene) -> None:
    """As an operator does it."""
    directory = scene.registry.directory
    environment = {**os.environ, "QAQPA_CONFIG": str(directory / "qaqpa.yaml"), "QAQPA_LOG": scene.source.url}
    command = [sys.executable, "-c", "from qaqpa.cli.main import main; raise SystemExit(main())", "log", "verify"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
