# SPDX-License-Identifier: Apache-2.0
"""OPA's own interpreter, asked about many inputs: a server of our own on a private socket, which ends with its use.

Starting `opa eval` for each input would take longer than the answer.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import queue
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from qaqpa.model import Json, JsonObject
from qaqpa.policy.bundle import ENTRYPOINT
from qaqpa.policy.opa import INSTALL, PolicyError, find_opa, refusal

_READY_SECONDS = 60.0
_ANSWER_SECONDS = 60.0
_END_SECONDS = 5.0
_PAUSE_SECONDS = 0.02
_MAX_SHOWN = 4000
_OK = 200

_OPTIONS = (
    "--log-level",
    "error",
    "--skip-version-check",
    "--optimize-store-for-read-speed",
    "--ignore",
    "*_test.rego",
)
# Collecting garbage less often takes a third off each answer, for 200 MB of memory.
_ENVIRONMENT = {"GOGC": "400"}


class Interpreter:
    """A running OPA that has loaded a policy directory. Safe for threads."""

    def __init__(self, process: subprocess.Popen[bytes], address: Path, log: Path) -> None:
        """Takes the process, the socket at which it answers, and the file of what it prints."""
        self.process = process
        self._address = address
        self._log = log

    def answers(self, inputs: Sequence[Json]) -> list[Json]:
        """The decision documents for inputs, in their order; None where the interpreter gives none.

        Raises:
            PolicyError: it refuses an input, gives no answer in time, or has ended.
        """
        texts = [json.dumps({"input": document}).encode() for document in inputs]
        count = os.cpu_count() or 1
        idle: queue.SimpleQueue[_Connection] = queue.SimpleQueue()
        with contextlib.ExitStack() as open_ones, ThreadPoolExecutor(count) as threads:
            for _ in range(count):
                idle.put(open_ones.enter_context(contextlib.closing(_Connection(self._address))))
            # Equal inputs have equal answers.
            waiting = {text: threads.submit(self._ask, idle, text) for text in dict.fromkeys(texts)}
            try:
                found = {text: answer.result() for text, answer in waiting.items()}
            finally:
                threads.shutdown(cancel_futures=True)
        return [found[text].get("result") for text in texts]

    def is_ready(self) -> bool:
        """Whether it answers and has loaded the policies.

        Raises:
            PolicyError: it has ended instead.
        """
        if self.process.poll() is not None:
            raise refusal("run", self._printed())
        try:
            with contextlib.closing(_Connection(self._address)) as connection:
                connection.request("GET", "/health?bundles")
                return connection.getresponse().status == _OK
        except (OSError, http.client.HTTPException):
            return False

    def _ask(self, idle: queue.SimpleQueue[_Connection], text: bytes) -> JsonObject:
        """The answer to one input, an object of JSON, over a connection that nobody else uses meanwhile."""
        connection = idle.get()
        try:
            connection.request("POST", f"/v1/data/{ENTRYPOINT}", text, {"Content-Type": "application/json"})
            response = connection.getresponse()
            said = response.read()
        except (OSError, http.client.HTTPException) as error:
            raise self._failed(f"{type(error).__name__}: {error}") from error
        finally:
            idle.put(connection)
        answer = _object(said)
        if response.status != _OK or answer is None:
            raise self._failed(f"{response.status} {said[:_MAX_SHOWN].decode(errors='replace')}")
        return answer

    def _failed(self, why: str) -> PolicyError:
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(_PAUSE_SECONDS)
        ended = f" and ended with {self.process.returncode}" if self.process.returncode is not None else ""
        printed = self._printed().strip()
        return PolicyError(
            f"OPA did not answer an input{ended}: {why}" + (f"\n{printed}" if printed else ""),
            required=f"an answer to every input, within {_ANSWER_SECONDS:.0f} s",
            mend="Mend the policy that OPA names, or look for the rule that takes long or much memory",
        )

    def _printed(self) -> str:
        return self._log.read_text("utf-8", errors="replace")[-_MAX_SHOWN:]


@contextlib.contextmanager
def interpreter(policies: Path) -> Iterator[Interpreter]:
    """Starts OPA with a policy directory, its tests left out, and ends it.

    Raises:
        PolicyError: there is no OPA, it refuses the policies, or it does not get ready in time.
    """
    # Of its own, and short: the path of a socket holds a hundred characters.
    scratch = Path(tempfile.mkdtemp(prefix="qaqpa-"))
    try:
        address, log = scratch / "opa.sock", scratch / "log"
        command = [str(find_opa()), "run", "--server", *_OPTIONS, "-a", f"unix://{address}", "-b", policies.name]
        with log.open("wb") as printed, _running(command, policies.parent, printed.fileno()) as process:
            opa = Interpreter(process, address, log)
            _wait_for(opa)
            yield opa
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


@contextlib.contextmanager
def _running(command: Sequence[str], cwd: Path, printed: int) -> Iterator[subprocess.Popen[bytes]]:
    environment = {**os.environ, **_ENVIRONMENT}
    try:
        process = subprocess.Popen(
            command, cwd=cwd, env=environment, stdin=subprocess.DEVNULL, stdout=printed, stderr=printed
        )
    except OSError as error:
        raise PolicyError(f"opa run did not run: {error}", mend=INSTALL) from error
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_for(opa: Interpreter) -> None:
    end = time.monotonic() + _READY_SECONDS
    while not opa.is_ready():
        if time.monotonic() > end:
            raise PolicyError(f"OPA did not load the policies within {_READY_SECONDS:.0f} s", mend=INSTALL)
        time.sleep(_PAUSE_SECONDS)


def _object(text: bytes) -> JsonObject | None:
    try:
        value = json.loads(text)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


class _Connection(http.client.HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self, address: Path) -> None:
        super().__init__("localhost", timeout=_ANSWER_SECONDS)
        self._address = address

    def connect(self) -> None:
        """Connects to the socket."""
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._address))
