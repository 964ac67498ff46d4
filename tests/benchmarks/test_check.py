# SPDX-License-Identifier: Apache-2.0
"""The wall time of `qaqpa check` against that of `opa eval` on the same input, and the installed size."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
import venv
from pathlib import Path

from qaqpa.gate import input_document
from qaqpa.policy.opa import find_opa
from qaqpa.resources import POLICIES
from support.statements import everything, request

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "examples" / "credit-scoring" / "mended"
ROUNDS = 15


def _seconds(command: list[str]) -> float:
    start = time.perf_counter()
    subprocess.run(command, check=False, capture_output=True, timeout=60)
    return time.perf_counter() - start


def test_check_against_opa_eval(tmp_path: Path) -> None:
    document = tmp_path / "input.json"
    document.write_text(json.dumps(input_document(request(everything()))))
    check = [sys.executable, "-m", "qaqpa.cli.main", "check", str(EXAMPLE)]
    evaluate = [str(find_opa()), "eval", "-b", str(POLICIES), "-i", str(document), "data.qaqpa.gate.decision"]
    _seconds(check)
    pairs = [(_seconds(check), _seconds(evaluate)) for _ in range(ROUNDS)]
    ours, theirs = (statistics.median(column) for column in zip(*pairs, strict=True))
    print(
        f"\nqaqpa check {ours * 1000:.0f} ms, opa eval {theirs * 1000:.0f} ms: {ours / theirs:.1f} times (at most 10)"
    )


def test_size_of_the_base_install(tmp_path: Path) -> None:
    venv.create(tmp_path / "venv", with_pip=True)
    site = next((tmp_path / "venv" / "lib").glob("python*/site-packages"))
    before = _bytes(site)
    pip = [str(tmp_path / "venv" / "bin" / "pip"), "install", "--quiet", str(ROOT)]
    subprocess.run(pip, check=True, timeout=600, env={**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1"})
    print(f"\nbase install: {(_bytes(site) - before) / 1e6:.0f} MB (under 150)")


def _bytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
