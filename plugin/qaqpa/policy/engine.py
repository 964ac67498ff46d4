# SPDX-License-Identifier: Apache-2.0
"""What every policy engine does."""

from __future__ import annotations

from typing import Protocol

from qaqpa.model import Answer, JsonObject
from qaqpa.policy.bundle import Catalog


class Engine(Protocol):
    """Evaluates the policies on one input."""

    @property
    def name(self) -> str:
        """What the engine is, with its version, for records and messages."""

    @property
    def policy_digest(self) -> str:
        """The digest of the policies that it evaluates."""

    @property
    def catalog(self) -> Catalog:
        """The data of the policies that it evaluates."""

    def evaluate(self, document: JsonObject) -> Answer:
        """The decision document for an input document. It is not checked yet: see `qaqpa.policy.check`.

        Raises:
            UndecidedError: whatever keeps the engine from an answer: too slow, down, trapped, other policies.
        """
