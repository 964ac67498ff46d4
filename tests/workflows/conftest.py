# SPDX-License-Identifier: Apache-2.0
"""The action's packages, installed once."""

from __future__ import annotations

import pytest

from support.gate_action import install_gate


@pytest.fixture(scope="session")
def gate() -> None:
    """The action's folder with its packages."""
    install_gate()
