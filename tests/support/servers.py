# SPDX-License-Identifier: Apache-2.0
"""Real servers on loopback for tests: MLflow, PostgreSQL, OPA. Each ends for certain, with all that it started."""

from __future__ import annotations

import contextlib
import functools
import importlib.util
import os
import pwd
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import requests

from support.configurations import parties_part

HOST = "127.0.0.1"
_PORTS = (15_000, 32_000)
_READY_SECONDS = 120.0
_STOP_SECONDS = 15.0


@dataclass(frozen=True)
class Running:
    """A server that answers."""

    url: str
    process: subprocess.Popen[bytes]
    log: Path
    database: str = ""

    def output(self) -> str:
        return self.log.read_text(encoding="utf-8", errors="replace")

    def stop(self) -> None:
        """Ends the process group."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(self.process.pid, number)
            except ProcessLookupError:
                break
            try:
                self.process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                continue
        self.process.wait(_STOP_SECONDS)


def free_port() -> int:
    """A port that nobody has, below those that the kernel gives to whoever connects before the server is up."""
    while True:
        port = random.randrange(*_PORTS)
        with socket.socket() as found, contextlib.suppress(OSError):
            found.bind((HOST, port))
            return port


def mlflow_command(directory: Path, database: str, port: int, prefix: str = "qaqpa+") -> list[str]:
    return [
        *(sys.executable, "-m", "mlflow", "server"),
        *("--backend-store-uri", database, "--registry-store-uri", f"{prefix}{database}"),
        *("--artifacts-destination", str(directory / "artifacts")),
        *("--host", HOST, "--port", str(port), "--workers", "1"),
    ]


def mlflow_environment(**more: str) -> dict[str, str]:
    """A clean environment, so that no setting of whoever runs the tests reaches a server."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("MLFLOW_", "QAQPA_", "_MLFLOW_"))}
    quiet = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_DISABLE_TELEMETRY": "true"}
    return {**kept, **quiet, "NO_PROXY": HOST, "no_proxy": HOST, **more}


@contextlib.contextmanager
def running(
    command: Sequence[str], directory: Path, ready: Callable[[], bool], environment: Mapping[str, str], url: str = ""
) -> Iterator[Running]:
    """Starts a server, waits until it is ready, and ends it."""
    log = directory / f"{Path(command[0]).name}-{free_port()}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=directory,
            env=dict(environment),
            start_new_session=True,
        )
    server = Running(url, process, log)
    try:
        until = time.monotonic() + _READY_SECONDS
        while not ready():
            assert process.poll() is None, f"the server ended: {server.output()[-3000:]}"
            assert time.monotonic() < until, f"the server is not ready: {server.output()[-3000:]}"
            time.sleep(0.2)
        yield server
    finally:
        server.stop()


@contextlib.contextmanager
def mlflow_server(
    directory: Path,
    database: str,
    configuration: str,
    prefix: str = "qaqpa+",
    *,
    parties: bool = True,
    login: tuple[str, str] | None = None,
    log: str = "",
    more: Sequence[str] = (),
) -> Iterator[Running]:
    """An MLflow server on a database, with the gate in its registry unless the prefix is empty.

    Args:
        directory: holds all that the server writes.
        database: its URI.
        configuration: the text of `qaqpa.yaml`.
        prefix: what stands before the URI of the registry.
        parties: true where the server trusts the parties file of the keyring.
        login: name and password of the administrator, for a server that asks for a login.
        log: where decisions are kept; a file of SQLite in the directory by default.
        more: further arguments of `mlflow server`.
    """
    _, is_file, path = database.partition("sqlite:///")
    if is_file and not Path(path).exists():
        write_empty_database(Path(path))
    file = directory / "qaqpa.yaml"
    file.write_text(configuration + (parties_part(directory) if parties else ""), encoding="utf-8")
    port = free_port()
    url = f"http://{HOST}:{port}"
    command = [*mlflow_command(directory, database, port, prefix), *more]
    environment = mlflow_environment(QAQPA_CONFIG=str(file), QAQPA_LOG=log or f"sqlite:///{directory}/decisions.db")
    if login:
        command += ["--app-name", "basic-auth"]
        environment |= _login_settings(directory, login)
    with running(command, directory, lambda: answers(f"{url}/health"), environment, url) as server:
        yield replace(server, database=database)


def write_empty_database(path: Path) -> None:
    """Writes an SQLite database with MLflow's tables, whose making takes a server seconds."""
    path.write_bytes(_empty_database())


@functools.lru_cache(maxsize=1)
def _empty_database() -> bytes:
    from mlflow.store.model_registry.sqlalchemy_store import SqlAlchemyStore  # noqa: PLC0415 - takes a second

    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch, "mlflow.db")
        SqlAlchemyStore(f"sqlite:///{path}")
        return path.read_bytes()


def _login_settings(directory: Path, login: tuple[str, str]) -> dict[str, str]:
    """What MLflow's `basic-auth` needs, where everybody who is logged in may do everything."""
    settings = directory / "auth.ini"
    settings.write_text(
        "[mlflow]\n"
        "default_permission = MANAGE\n"
        f"database_uri = sqlite:///{directory}/auth.db\n"
        f"admin_username = {login[0]}\n"
        f"admin_password = {login[1]}\n"
        "authorization_function = mlflow.server.auth:authenticate_request_basic_auth\n"
        # Hashing a password takes a good part of a second, and each request brings one.
        "auth_cache_ttl_seconds = 600\n"
    )
    return {
        "MLFLOW_AUTH_CONFIG_PATH": str(settings),
        "MLFLOW_AUTH_ADMIN_PASSWORD": login[1],
        "MLFLOW_FLASK_SERVER_SECRET_KEY": "only for this test",
    }


@contextlib.contextmanager
def opa_server(bundle: Path, directory: Path, port: int) -> Iterator[Running]:
    """An OPA server that has loaded a bundle."""
    url = f"http://{HOST}:{port}"
    command = ["opa", "run", "--server", "--disable-telemetry", "--addr", f"{HOST}:{port}", "--bundle", str(bundle)]
    with running(command, directory, lambda: answers(f"{url}/health?bundles"), dict(os.environ), url) as server:
        yield server


@contextlib.contextmanager
def s3_server(directory: Path) -> Iterator[Running]:
    """An emulation of Amazon's S3, in a process of its own."""
    need(importlib.util.find_spec("moto"), "moto")
    port = free_port()
    url = f"http://{HOST}:{port}"
    command = [sys.executable, "-m", "moto.server", "-H", HOST, "-p", str(port)]
    with running(command, directory, lambda: answers(f"{url}/moto-api/"), dict(os.environ), url) as server:
        yield server


@contextlib.contextmanager
def postgresql(*, durable: bool = False, password: str = "") -> Iterator[Callable[[str, str], str]]:
    """A throw-away cluster; yields a function from driver and database name to a URI of a new database.

    Args:
        durable: true where commits wait for the disk, which only measurements need.
        password: of the superuser, in a cluster where every role needs its own; by default nobody needs one.
    """
    programs = postgresql_programs()
    user = "postgres" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name
    # Not below pytest's own directory, which the user postgres may not enter.
    base = Path(tempfile.mkdtemp(prefix="qaqpa-pg-"))
    if os.geteuid() == 0:
        shutil.chown(base, user)
    port, data = free_port(), base / "data"

    def run(program: str, *arguments: str) -> None:
        subprocess.run(
            [str(programs / program), *arguments],
            check=True,
            user=user if os.geteuid() == 0 else None,
            env={**os.environ, "PGPASSWORD": password},
            cwd=base,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        )

    try:
        secret = base / "password"
        secret.write_text(password or "unused")
        secret.chmod(0o644)
        how = ["-A", "scram-sha-256", "--pwfile", str(secret)] if password else ["-A", "trust"]
        run("initdb", "-D", str(data), "-U", "postgres", *how, "--no-sync")
        options = f"-c listen_addresses={HOST} -c port={port} -c unix_socket_directories={base}"
        options += "" if durable else " -c fsync=off"
        run("pg_ctl", "-D", str(data), "-w", "-l", str(base / "log"), "-o", options, "start")
        try:

            def database(driver: str, name: str) -> str:
                run("createdb", "-h", HOST, "-p", str(port), "-U", "postgres", name)
                login = f"postgres:{password}" if password else "postgres"
                return f"postgresql+{driver}://{login}@{HOST}:{port}/{name}"

            yield database
        finally:
            run("pg_ctl", "-D", str(data), "-w", "-m", "immediate", "stop")
    finally:
        shutil.rmtree(base, ignore_errors=True)


def need(found: object, what: str) -> None:
    """Skips visibly where a program is missing; in CI, where everything is installed, that is a failure."""
    if found:
        return
    if os.environ.get("CI") == "true":
        pytest.fail(f"{what} is missing")
    pytest.skip(f"{what} is missing")


def postgresql_programs() -> Path:
    """The directory that holds the programs of PostgreSQL, `psql` among them."""
    there = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))
    on_path = shutil.which("initdb")
    found = there[-1] if there else Path(on_path).parent if on_path else None
    need(found, "PostgreSQL")
    assert found
    return found


def answers(url: str) -> bool:
    """True where a server says that all is well."""
    try:
        return requests.get(url, timeout=2).ok
    except requests.RequestException:
        return False
