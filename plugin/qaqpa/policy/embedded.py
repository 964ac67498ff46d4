# SPDX-License-Identifier: Apache-2.0
"""The embedded engine: the policies, compiled by OPA to WebAssembly, run in this process by wasmtime."""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path

from qaqpa.errors import UndecidedError
from qaqpa.model import Answer, JsonObject
from qaqpa.policy.bundle import ENTRYPOINT, Bundle, Catalog, load_bundle
from qaqpa.policy.machine import FUEL_PER_SECOND, WASMTIME, Code, Machine, MachineError

DEADLINE_SECONDS = 2.0
"""How long one decision may take by default, seconds of an ordinary machine."""


class EmbeddedEngine:
    """Evaluates compiled policies. Safe for threads (one evaluation at a time) and for forks."""

    def __init__(self, bundle: Bundle, deadline_seconds: float = DEADLINE_SECONDS) -> None:
        """Loads the policies.

        Args:
            bundle: from `load_bundle`.
            deadline_seconds: how long one decision may take.

        Raises:
            UndecidedError: the module is not one that this engine can run.
        """
        self.name = f"embedded (wasmtime {WASMTIME})"
        self.policy_digest = bundle.policy_digest
        self._bundle = bundle
        self._fuel = int(deadline_seconds * FUEL_PER_SECOND)
        self._lock, self._process = threading.Lock(), os.getpid()
        self._machine: Machine | None = None
        try:
            self._code = Code(bundle.wasm)
            self._machine = Machine(self._code, bundle.data)
            self._entrypoint = self._machine.entrypoints[ENTRYPOINT]
        except (MachineError, KeyError) as error:
            raise UndecidedError(
                f"The compiled policies cannot be run: {error}",
                required=f"a module that OPA built with the entrypoint {ENTRYPOINT}",
                mend="Compile the policies again with `qaqpa policy build`, or install Qaqpa again",
            ) from error

    @classmethod
    def open(cls, directory: Path | None = None) -> EmbeddedEngine:
        """The engine for compiled policies in a directory; for those that are shipped where none is given.

        Raises:
            UndecidedError: the files are missing, damaged, or not compiled policies.
        """
        return cls(load_bundle(directory))

    @property
    def catalog(self) -> Catalog:
        """Cards, profiles and acts of these policies."""
        return self._bundle.catalog

    def evaluate(self, document: JsonObject) -> Answer:
        """The decision document for an input document; see `qaqpa.policy.engine.Engine`.

        Raises:
            UndecidedError: the evaluation trapped, took too long or too much memory, or gave no document.
        """
        try:
            text = json.dumps(
                document, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
            ).encode()
        except (TypeError, ValueError, RecursionError) as error:
            raise UndecidedError(f"The input is not JSON: {error}") from error
        try:
            values = self._run(text)
        except MachineError as error:
            raise UndecidedError(
                f"The policies could not be evaluated: {error}",
                required="an answer within the limits of time and memory",
                mend="Hand in less evidence at once, or look for the rule that takes long",
            ) from error
        if len(values) != 1 or "result" not in values[0]:
            raise UndecidedError("The policies gave no decision", mend="See that the input fits schemas/input.json")
        return Answer(values[0]["result"], self.name, self.policy_digest, {"wasmtime": WASMTIME}, asked=text)

    def _run(self, text: bytes) -> list[JsonObject]:
        if self._process != os.getpid():
            # After a fork: the lock may be held, and the instance half-way, by a thread that does not exist here.
            self._lock, self._machine, self._process = threading.Lock(), None, os.getpid()
        with self._lock:
            machine, self._machine = self._machine, None
            machine = machine or Machine(self._code, self._bundle.data)
            values: list[JsonObject] = machine.evaluate(self._entrypoint, text, self._fuel)
            # Put back only now: an instance that failed is in no state to be used again.
            self._machine = machine
            return values
