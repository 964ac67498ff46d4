# SPDX-License-Identifier: Apache-2.0
"""The throughput of the model digest against that of `sha256sum`, on one core and on all, side by side in one run."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from qaqpa.evidence.digest import dir_hash

FILE_BYTES = 128 << 20
FILES = 4
ROUNDS = 5


def _seconds(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def _write(root: Path) -> Path:
    root.mkdir()
    for number in range(FILES):
        (root / f"weights-{number}").write_bytes(os.urandom(FILE_BYTES))
    return root


def test_digest_against_sha256sum(tmp_path: Path) -> None:
    root = _write(tmp_path / "model")
    names = sorted(path.name for path in root.iterdir())
    cores = sorted(os.sched_getaffinity(0))
    rounds = []
    try:
        for _ in range(ROUNDS):
            os.sched_setaffinity(0, cores[:1])
            one = _seconds(lambda: dir_hash(root))
            tool = _seconds(lambda: subprocess.run(["sha256sum", *names], cwd=root, check=True, capture_output=True))
            os.sched_setaffinity(0, cores)
            rounds.append((one, tool, _seconds(lambda: dir_hash(root))))
    finally:
        os.sched_setaffinity(0, cores)
    one, tool, every = (statistics.median(column) for column in zip(*rounds, strict=True))
    size = FILES * FILE_BYTES / 1e6
    print(
        f"\n{size:.0f} MB in {FILES} files, Python {sys.version.split()[0]}: sha256sum {size / tool:.0f} MB/s, digest "
        f"on one core {size / one:.0f} MB/s: {tool / one:.2f} times (at least 0.9); on {len(cores)} cores "
        f"{size / every:.0f} MB/s: {one / every:.2f} times one core"
    )


def test_many_small_files(tmp_path: Path) -> None:
    for number in range(5000):
        path = tmp_path / f"d{number % 50}" / f"f{number}"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"1" * 1000)
    command = "find . -type f -printf '%P\\n' | LC_ALL=C sort | xargs -d '\\n' sha256sum -- | sha256sum"
    tool = _seconds(lambda: subprocess.run(["bash", "-c", command], cwd=tmp_path, check=True, capture_output=True))
    print(f"\n5000 files of 1 kB: digest {_seconds(lambda: dir_hash(tmp_path)):.2f} s, find and sha256sum {tool:.2f} s")
