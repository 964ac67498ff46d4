# SPDX-License-Identifier: Apache-2.0
"""One instance of a policy that OPA compiled to WebAssembly, behind OPA's ABI (version 1, minor 2 or later).

Not safe for threads, and of no use after an error: `qaqpa.policy.embedded` takes care of both.
"""

from __future__ import annotations

import hashlib
import json
import platform
from importlib.metadata import version
from typing import Any

import wasmtime

from qaqpa.policy import codecache

WASMTIME = version("wasmtime")
"""The version of wasmtime that runs the policies."""

MEMORY_BYTES = 256 << 20
"""Most memory that an evaluation may use."""

FUEL_PER_SECOND = 1_000_000_000
"""Instructions taken as one second. The deadline counts instructions: the same input then ends the same way on a busy
machine, no second thread has to watch, and nothing is lost by a fork."""

_START_FUEL = 60 * FUEL_PER_SECOND
_MAX_RESULT_BYTES = 16 << 20
_PAGE = 1 << 16
_FIRST_INPUT_BYTES = 1 << 16

# What the module imports. Nothing here leads back into Python: a policy that calls a builtin which OPA's WebAssembly
# lacks traps, and so does one that aborts, after noting where its message lies.
_HOST = """(module
  (global $message (export "message") (mut i32) (i32.const 0))
  (func (export "opa_abort") (param i32) (global.set $message (local.get 0)) (unreachable))
  (func (export "opa_println") (param i32))
  (func (export "opa_builtin0") (param i32 i32) (result i32) (unreachable))
  (func (export "opa_builtin1") (param i32 i32 i32) (result i32) (unreachable))
  (func (export "opa_builtin2") (param i32 i32 i32 i32) (result i32) (unreachable))
  (func (export "opa_builtin3") (param i32 i32 i32 i32 i32) (result i32) (unreachable))
  (func (export "opa_builtin4") (param i32 i32 i32 i32 i32 i32) (result i32) (unreachable)))
"""


class MachineError(Exception):
    """The module is not one that OPA made, needs what is not there, or failed while it ran."""


class Code:
    """Compiled machine code; safe to share between machines and threads."""

    def __init__(self, wasm: bytes, *, once: bool = False) -> None:
        """Compiles a module, or takes the machine code that an earlier start kept.

        Args:
            wasm: the module.
            once: it will run once only, in a command: compiled as fast as possible, and not kept.

        Raises:
            MachineError: the bytes are not WebAssembly.
        """
        settings = wasmtime.Config()
        settings.consume_fuel = True
        # A pool of threads would not survive a fork.
        settings.parallel_compilation = once
        settings.cranelift_opt_level = "none" if once else "speed"
        self.engine = wasmtime.Engine(settings)
        # The memory that OPA asks for leaves out some texts of the module, among them the names of the entrypoints.
        self.pages_of_texts = len(wasm) // _PAGE + 1
        try:
            self.module = wasmtime.Module(self.engine, wasm) if once else self._kept_or_compiled(wasm)
        except wasmtime.WasmtimeError as error:
            raise MachineError(f"the module cannot be compiled: {_first_line(error)}") from error

    def _kept_or_compiled(self, wasm: bytes) -> wasmtime.Module:
        parts = (hashlib.sha256(wasm).hexdigest(), WASMTIME, platform.machine(), "fuel")
        key = "-".join(parts)
        kept = codecache.load(key)
        if kept is not None:
            try:
                return wasmtime.Module.deserialize(self.engine, kept)
            except wasmtime.WasmtimeError:
                kept = None
        module = wasmtime.Module(self.engine, wasm)
        codecache.store(key, bytes(module.serialize()))
        return module


class Machine:
    """A running instance that has read its data."""

    def __init__(self, code: Code, data: bytes) -> None:
        """Starts an instance.

        Raises:
            MachineError: the module lacks something, asks for builtins of a host, or the data are not JSON.
        """
        try:
            self._start(code)
            self._read_data(data)
            self._reserve(_FIRST_INPUT_BYTES)
        except (wasmtime.WasmtimeError, wasmtime.Trap, KeyError, IndexError, ValueError) as error:
            raise MachineError(f"the module does not start: {_first_line(error)}") from error

    def evaluate(self, entrypoint: int, document: bytes, fuel: int) -> Any:
        """Evaluates one entrypoint.

        Args:
            entrypoint: its number, from `entrypoints`.
            document: the input as JSON.
            fuel: how many instructions it may take.

        Returns:
            The values of the entrypoint: an array of `{"result": …}`, empty where it is undefined.

        Raises:
            MachineError: it trapped, ran out of instructions or memory, or gave something that is not JSON.
        """
        try:
            self._store.set_fuel(fuel)
            if len(document) > self._room:
                self._reserve(len(document))
            self._memory.write(self._store, document, self._input)
            arguments = (0, entrypoint, self._data, self._input, len(document), self._heap, 0)
            return self._json_at(self._call("opa_eval", *arguments))
        except (wasmtime.WasmtimeError, wasmtime.Trap, IndexError, ValueError) as error:
            raise MachineError(self._why(error)) from error

    def _start(self, code: Code) -> None:
        self._store = wasmtime.Store(code.engine)
        self._store.set_limits(memory_size=MEMORY_BYTES)
        self._store.set_fuel(_START_FUEL)
        host = wasmtime.Instance(self._store, wasmtime.Module(code.engine, _HOST), []).exports(self._store)
        self._message: Any = host["message"]
        imports: list[Any] = []
        for needed in code.module.imports:
            if isinstance(needed.type, wasmtime.MemoryType):
                limits = needed.type.limits
                enough = wasmtime.Limits(limits.min + code.pages_of_texts, limits.max)
                self._memory = wasmtime.Memory(self._store, wasmtime.MemoryType(enough))
                imports.append(self._memory)
            else:
                imports.append(host[str(needed.name)])
        exports: Any = wasmtime.Instance(self._store, code.module, imports).exports(self._store)
        self._exports = exports
        abi = tuple(exports[f"opa_wasm_abi_{part}"].value(self._store) for part in ("version", "minor_version"))
        if not (1, 2) <= abi < (2, 0):
            raise MachineError(f"the module speaks ABI {abi[0]}.{abi[1]}, not 1.2 or later")
        builtins = self._dump("builtins")
        if builtins:
            raise MachineError(f"the policies call builtins that the engines do not share: {', '.join(builtins)}")
        self.entrypoints: dict[str, int] = self._dump("entrypoints")

    def _read_data(self, data: bytes) -> None:
        text = self._call("opa_malloc", len(data))
        self._memory.write(self._store, data, text)
        self._data = self._call("opa_json_parse", text, len(data))
        if not self._data:
            raise MachineError("the data are not JSON")

    def _reserve(self, size: int) -> None:
        """Makes room for an input; each evaluation then starts with an empty heap behind it."""
        self._room = size
        self._input = self._call("opa_malloc", size)
        self._heap = self._call("opa_heap_ptr_get")

    def _call(self, name: str, *arguments: int) -> int:
        return int(self._exports[name](self._store, *arguments))

    def _dump(self, name: str) -> Any:
        return self._json_at(self._call("opa_json_dump", self._call(name)))

    def _json_at(self, address: int) -> Any:
        return json.loads(self._text_at(address))

    def _text_at(self, address: int) -> bytes:
        """The text that starts at an address and ends with a zero byte."""
        if address <= 0:
            raise ValueError("no address")
        size = _PAGE
        while size <= _MAX_RESULT_BYTES:
            text, zero, _ = bytes(self._memory.read(self._store, address, address + size)).partition(b"\0")
            if zero:
                return text
            size *= 4
        raise ValueError("the answer is too large")

    def _why(self, error: Exception) -> str:
        if self._store.get_fuel() == 0 or "fuel" in str(error):
            return "it took too long"
        address = int(self._message.value(self._store))
        if address > 0:
            return self._text_at(address).decode("utf-8", "replace")
        return _first_line(error)


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]
