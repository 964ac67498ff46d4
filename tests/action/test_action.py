# SPDX-License-Identifier: Apache-2.0
"""The GitHub Action: its types, its style, its tests, and that what is checked in was built from what is checked in."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

from support.gate_action import GATE, run_node

pytestmark = pytest.mark.usefixtures("gate")


def test_the_node_is_that_of_the_runner() -> None:
    said = run_node("vitest", "--version")
    assert said.returncode == 0, said.stdout + said.stderr
    assert " node-v24." in said.stdout


def test_types_and_style_are_clean() -> None:
    for tool in (["tsc", "--noEmit"], ["biome", "ci"]):
        done = run_node(*tool)
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("which", [["install"], ["--exclude", "test/install.test.ts"]], ids=["installing", "all_else"])
def test_its_own_tests_pass(which: list[str]) -> None:
    uv = shutil.which("uv", path=str(Path(sys.executable).parent)) or shutil.which("uv")
    assert uv, "uv is a development dependency"
    done = run_node("vitest", "run", *which, timeout=280, GATE_TEST_PYTHON=sys.executable, GATE_TEST_UV=uv)
    assert done.returncode == 0, done.stdout + done.stderr
    assert " passed" in done.stdout
    assert "skipped" not in done.stdout


def test_what_is_checked_in_is_what_is_built(tmp_path: Path) -> None:
    done = run_node("rollup", "--config", "rollup.config.mjs", GATE_DIST=str(tmp_path / "dist"))
    assert done.returncode == 0, done.stdout + done.stderr
    built = {path.name: path.read_bytes() for path in (tmp_path / "dist").iterdir()}
    kept = {path.name: path.read_bytes() for path in (GATE / "dist").iterdir()}
    assert sorted(built) == sorted(kept) == ["index.js", "licenses.txt"]
    assert built == kept, "run `npm run package` in .github/actions/gate"
