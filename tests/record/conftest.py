# SPDX-License-Identifier: Apache-2.0
"""One verdict that passed, which the tests here read and alter."""

from __future__ import annotations

from typing import Any

import pytest

from qaqpa.policy.embedded import EmbeddedEngine
from support.verdicts import judged, statement


@pytest.fixture(scope="session")
def passed(engine: EmbeddedEngine) -> dict[str, Any]:
    """The statement; not to be changed in place."""
    return statement(judged(engine))
