# SPDX-License-Identifier: Apache-2.0
"""A real MLflow server on loopback with the gate in its registry, and a process that does not outlive the demo."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from qaqpa.errors import UndecidedError

_HOST = "127.0.0.1"
_READY_SECONDS = 120.0
_STOP_SECONDS = 10.0
_LAST_LINES = 12
_NO_PROXY = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class ServerError(UndecidedError):
    """The server did not start."""


class Server:
    """An MLflow server whose database, model files and log lie in one directory."""

    def __init__(self, directory: Path, configuration: str) -> None:
        """Chooses a free port and starts the process, without waiting for it.

        Args:
            directory: an existing directory; the server's files go there.
            configuration: text of the gate's configuration file.
        """
        self.directory = directory
        self.configuration = directory / "qaqpa.yaml"
        self.configuration.write_text(configuration, encoding="utf-8")
        self.artifacts = directory / "artifacts"
        self.port = _free_port()
        self.url = f"http://{_HOST}:{self.port}"
        self._log = directory / "server.log"
        self.process = self._start()

    def wait(self) -> None:
        """Returns when the server answers.

        Raises:
            ServerError: it ended or did not answer in time; the message quotes its log.
        """
        until = time.monotonic() + _READY_SECONDS
        while time.monotonic() < until:
            if self.process.poll() is not None:
                raise ServerError(f"The MLflow server ended at once. {self._last_lines()}", where=str(self._log))
            try:
                with _NO_PROXY.open(f"{self.url}/health", timeout=2):
                    return
            except (urllib.error.URLError, OSError):
                time.sleep(0.2)
        raise ServerError(f"The MLflow server did not answer. {self._last_lines()}", where=str(self._log))

    def stop(self) -> None:
        """Ends the server and every process that it started."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(self.process.pid, number)
            except ProcessLookupError:
                break
            try:
                self.process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                continue
        self.process.wait()

    def _start(self) -> subprocess.Popen[bytes]:
        database = self.directory / "mlflow.db"
        command = [sys.executable, "-m", "mlflow", "server"]
        command += ["--backend-store-uri", f"sqlite:///{database}"]
        command += ["--registry-store-uri", f"qaqpa+sqlite:///{database}"]
        command += ["--artifacts-destination", str(self.artifacts)]
        command += ["--host", _HOST, "--port", str(self.port), "--workers", "1"]
        environment = {
            **{name: value for name, value in os.environ.items() if not _is_ours_to_set(name)},
            "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
            "MLFLOW_DISABLE_TELEMETRY": "true",
            "QAQPA_CONFIG": str(self.configuration),
            "QAQPA_LOG": f"sqlite:///{self.directory}/decisions.db",
        }
        with self._log.open("wb") as log:
            # A session of its own, so that its workers can be ended with it, and Ctrl-C reaches the demo alone.
            return subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=self.directory,
                env=environment,
                start_new_session=True,
            )

    def _last_lines(self) -> str:
        lines = self._log.read_text(encoding="utf-8", errors="replace").splitlines()
        return " | ".join(lines[-_LAST_LINES:])


@contextmanager
def client_environment() -> Iterator[None]:
    """This process as a plain client: MLflow settings of the user, which may name another server, do not reach it."""
    before = dict(os.environ)
    for name in before:
        if _is_ours_to_set(name):
            del os.environ[name]
    os.environ.update(
        MLFLOW_DISABLE_TELEMETRY="true",
        MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT="true",
        MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR="false",
        NO_PROXY=_HOST,
        no_proxy=_HOST,
    )
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def _is_ours_to_set(name: str) -> bool:
    return name.startswith(("MLFLOW_", "QAQPA_"))


def _free_port() -> int:
    with socket.socket() as found:
        found.bind((_HOST, 0))
        return int(found.getsockname()[1])
