# SPDX-License-Identifier: Apache-2.0
"""How long `qaqpa verify` takes beside hashing, and how long a verdict takes to be made and signed."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

from qaqpa import times
from qaqpa.evidence.digest import dir_hash
from qaqpa.evidence.keys import openssh
from qaqpa.policy.embedded import EmbeddedEngine
from qaqpa.record.attest import DSSE_FILE, signed_files
from qaqpa.record.verdict import verdict_statement
from support.verdicts import GATE, judged, moved, statement, write

ROUNDS = 15
GOAL_MS = 300


def test_verifying_beside_hashing(tmp_path: Path, engine: EmbeddedEngine) -> None:
    model = tmp_path / "model"
    model.mkdir()
    (model / "weights").write_bytes(b"\0" * (1 << 28))
    started = time.perf_counter()
    digest = dir_hash(model)
    hashing = time.perf_counter() - started
    now = times.now()
    write(tmp_path, moved(statement(judged(engine)), digest, now, now + timedelta(days=9)))
    (tmp_path / "gate.pub").write_text(openssh(GATE.public_key))
    options = ["--gate-key", str(tmp_path / "gate.pub"), "--profile", "article-baseline", "--model", "credit"]
    command = ["-m", "qaqpa.cli.main", "verify", str(model), "--verdict", str(tmp_path / DSSE_FILE), *options]
    large = statistics.median(_seconds(command) for _ in range(3))
    (model / "weights").write_bytes(b"\0")
    write(tmp_path, moved(statement(judged(engine)), dir_hash(model), now, now + timedelta(days=9)))
    small = statistics.median(_seconds(command) for _ in range(ROUNDS))
    bare = statistics.median(_seconds(["-c", "pass"]) for _ in range(ROUNDS))
    print(
        f"\nqaqpa verify, a process of its own: {small * 1e3:.0f} ms (at most {GOAL_MS}), of which Python itself "
        f"{bare * 1e3:.0f} ms; with 256 MiB {large * 1e3:.0f} ms, of which hashing {hashing * 1e3:.0f} ms"
    )


def test_making_a_verdict(engine: EmbeddedEngine) -> None:
    found = judged(engine)
    taken = []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        signed_files(verdict_statement(found), GATE)
        taken.append(time.perf_counter() - started)
    print(f"\na verdict with its end, thirty days asked: {statistics.median(taken) * 1e3:.0f} ms")


def _seconds(arguments: list[str]) -> float:
    started = time.perf_counter()
    subprocess.run([sys.executable, *arguments], check=True, capture_output=True, timeout=60)
    return time.perf_counter() - started
