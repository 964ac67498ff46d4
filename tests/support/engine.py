# SPDX-License-Identifier: Apache-2.0
"""An engine that answers what a test wants, over the real catalog; and what engines are asked about."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

from qaqpa.errors import UndecidedError
from qaqpa.model import Answer, JsonObject
from qaqpa.policy.bundle import Catalog
from qaqpa.policy.check import check_input
from qaqpa.policy.engine import Engine


class FakeEngine:
    """Asks a real engine, and lets a function spoil the answer."""

    name = "fake"

    def __init__(self, real: Engine, spoil: Callable[[dict[str, Any]], object]) -> None:
        """Takes the real engine, and a function that changes the document in place or returns another one."""
        self._real = real
        self._spoil = spoil
        self.policy_digest = real.policy_digest

    @property
    def catalog(self) -> Catalog:
        """That of the real engine."""
        return self._real.catalog

    def evaluate(self, document: JsonObject) -> Answer:
        """The real answer, spoiled."""
        answer = self._real.evaluate(document)
        spoiled = copy.deepcopy(answer.document)
        other = self._spoil(spoiled)
        return Answer(spoiled if other is None else other, self.name, self.policy_digest)


def fits(document: Any) -> bool:
    """Whether an input document fits its schema, so that an engine is really asked about it."""
    try:
        check_input(document)
    except UndecidedError:
        return False
    return True
