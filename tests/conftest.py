# SPDX-License-Identifier: Apache-2.0
"""Fixtures for all tests."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from qaqpa.policy.embedded import EmbeddedEngine

_SCRATCH = Path(tempfile.gettempdir()).resolve()


def _only_scratch(event: str, arguments: tuple[Any, ...]) -> None:
    """Stops a deletion outside of the directory for temporary files: tests ask the gate to refuse worse ones."""
    if event == "shutil.rmtree" and not Path(os.path.realpath(arguments[0])).is_relative_to(_SCRATCH):
        raise PermissionError(f"a test wants to delete {arguments[0]}")


sys.addaudithook(_only_scratch)

settings.register_profile("qaqpa", deadline=None, print_blob=True)
settings.load_profile("qaqpa")


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """No setting of whoever runs the tests reaches them."""
    for name in [name for name in os.environ if name.startswith("QAQPA_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
    for name in ("NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="session")
def engine() -> EmbeddedEngine:
    """The shipped policies."""
    return EmbeddedEngine.open(None)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working directory."""
    monkeypatch.chdir(tmp_path)
    return tmp_path
