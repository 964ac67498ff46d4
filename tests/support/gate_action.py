# SPDX-License-Identifier: Apache-2.0
"""The GitHub Action's folder, with what its lock file names installed, and Node 24 to run it."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from qaqpa.documents import parse_yaml

ROOT = Path(__file__).resolve().parents[2]
GATE = ROOT / ".github" / "actions" / "gate"
_MACHINES = {"x86_64": "x64", "aarch64": "arm64"}


def read_yaml(path: Path) -> Any:
    """A YAML file's value."""
    return parse_yaml(path.read_text("utf-8"), str(path)).value


def install_gate() -> None:
    """Installs the action's packages with `npm ci`, unless those of this lock file are there.

    Skips the test where there is no Node, which continuous integration has.
    """
    if not shutil.which("npm"):
        assert "CI" not in os.environ, "continuous integration has Node"
        pytest.skip("there is no Node")
    lock, done = GATE / "package-lock.json", GATE / "node_modules" / ".installed"
    if done.exists() and done.read_bytes() == lock.read_bytes():
        return
    # Scripts of packages do not run; none is needed.
    command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline"]
    subprocess.run(command, cwd=GATE, check=True, capture_output=True, timeout=240)
    done.write_bytes(lock.read_bytes())


def run_node(*arguments: str, timeout: int = 120, **env: str) -> subprocess.CompletedProcess[str]:
    """Runs a tool of the action under the Node that the runner has, and gives what it said.

    Args:
        arguments: the tool's name in `node_modules/.bin`, and its arguments.
        timeout: seconds.
        env: environment variables to set.
    """
    tool, *rest = arguments
    own = node()
    path = os.pathsep.join([str(own.parent), str(Path(sys.executable).parent), os.environ["PATH"]])
    command = [own, GATE / "node_modules" / ".bin" / tool, *rest]
    merged = {**os.environ, "PATH": path, "NO_COLOR": "1", **env}
    return subprocess.run(command, cwd=GATE, env=merged, capture_output=True, text=True, check=False, timeout=timeout)


def node() -> Path:
    """Node 24: of the package that the lock file names for this machine, else the one on PATH."""
    package = f"node-{sys.platform}-{_MACHINES.get(platform.machine(), platform.machine())}"
    own = GATE / "node_modules" / package / "bin" / "node"
    return own if own.exists() else Path(str(shutil.which("node")))
