# SPDX-License-Identifier: Apache-2.0
"""The services of `deploy/compose/compose.yaml` as processes of this machine, where no container engine is.

Commands, environments and mounted files are those of the manifest. Only what a container has to itself is moved: the
paths at which something is mounted, host names and ports.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from qaqpa import times
from qaqpa.evidence.keys import new_key, write_key
from support.keyring import trusted
from support.servers import HOST, Running, answers, free_port, postgresql, postgresql_programs, running

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
MANIFEST = DEPLOY / "compose" / "compose.yaml"
ENTRYPOINTS = {"opa": ["opa"]}
"""What an image runs by itself."""

ONE_SHOTS = ("roles", "migrate", "grants", "bundle")
"""Services that end, in an order in which each finds what it depends on."""

_VARIABLE = re.compile(r"\$(?:(\$)|\{([A-Z_]+)(?::([?-])([^}]*))?\})")


def services() -> dict[str, dict[str, Any]]:
    """The services of the manifest, with what they share."""
    found: dict[str, dict[str, Any]] = yaml.safe_load(MANIFEST.read_text("utf-8"))["services"]
    return found


def filled(text: str, variables: Mapping[str, str]) -> str:
    """A value of the manifest with its variables, as Compose fills it in.

    Raises:
        KeyError: one is missing that has to be there.
    """

    def value(match: re.Match[str]) -> str:
        dollar, name, kind, default = match.groups()
        if dollar:
            return "$"
        return variables.get(name) or default if kind == "-" else variables[name]

    return _VARIABLE.sub(value, text)


def variables_of(text: str) -> set[str]:
    """The variables that a manifest needs."""
    return {match[2] for match in _VARIABLE.finditer(text) if match[2]}


@dataclass(frozen=True)
class Machine:
    """Where everything is that has a place of its own in a container."""

    directory: Path
    variables: Mapping[str, str]
    postgres: int
    opa: int = field(default_factory=free_port)
    diagnostics: int = field(default_factory=free_port)
    mlflow: int = field(default_factory=free_port)

    def command(self, name: str) -> list[str]:
        """The command of a service."""
        service = services()[name]
        return [
            self._moved(name, filled(part, self.variables))
            for part in [*ENTRYPOINTS.get(name, []), *service["command"]]
        ]

    def environment(self, name: str) -> dict[str, str]:
        """The environment of a service, and of a process what its image has: programs, and modules."""
        path = [self.directory / "bin", Path(sys.executable).parent, postgresql_programs(), os.environ["PATH"]]
        of_image = {
            "PATH": os.pathsep.join(map(str, path)),
            "PYTHONPATH": str(ROOT / "plugin"),
            "HOME": str(self.directory),
        }
        said = services()[name].get("environment", {})
        moved = {key: self._moved(name, filled(value, self.variables)) for key, value in said.items()}
        if moved.get("PGHOST") == "postgres":
            moved |= {"PGHOST": HOST, "PGPORT": str(self.postgres)}
        return {**of_image, "NO_PROXY": HOST, **moved}

    def run(self, name: str) -> None:
        """Runs a service that ends."""
        done = subprocess.run(
            self.command(name),
            env=self.environment(name),
            cwd=self.directory,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=200,
        )
        assert done.returncode == 0, f"{name}: {done.stdout[-2000:]}{done.stderr[-2000:]}"

    def mount(self, name: str) -> None:
        """Puts in place what a service mounts; files that name addresses name those of this machine."""
        for source, _ in self._mounts(name):
            place = self._place(source)
            if place.exists():
                continue
            if source == "../config":
                shutil.copytree(MANIFEST.parent / source, place)
                for file in place.iterdir():
                    file.write_text(self._addressed(file.read_text("utf-8")), encoding="utf-8")
            else:
                place.mkdir(parents=True)

    def uri(self, role: str, database: str, driver: str = "psycopg2") -> str:
        """The address of a database for a role."""
        password = self.variables[PASSWORDS[role]]
        return f"postgresql+{driver}://{role}:{password}@{HOST}:{self.postgres}/{database}"

    def _mounts(self, name: str) -> list[tuple[str, str]]:
        """What a service mounts, and where."""
        service = services()[name]
        volumes = [volume.removesuffix(":ro").split(":") for volume in service.get("volumes", [])]
        secrets = [(f"./secrets/{secret}", f"/run/secrets/{secret}") for secret in service.get("secrets", [])]
        return [*((source, target) for source, target in volumes), *secrets]

    def _place(self, source: str) -> Path:
        """Where a volume, a secret or a directory of the manifest's is; the scripts stay where they are."""
        return DEPLOY / "postgresql" if source == "../postgresql" else self.directory / Path(source).name

    def _moved(self, name: str, text: str) -> str:
        for source, target in self._mounts(name):
            text = re.sub(rf"(?<![\w-]){re.escape(target)}(?![\w-])", str(self._place(source)), text)
        return self._addressed(text)

    def _addressed(self, text: str) -> str:
        for before, after in (
            ("postgres:5432", f"{HOST}:{self.postgres}"),
            ("opa:8181", f"{HOST}:{self.opa}"),
            ("0.0.0.0:8181", f"{HOST}:{self.opa}"),
            ("127.0.0.1:8282", f"{HOST}:{self.diagnostics}"),
            ("127.0.0.1:5000", f"{HOST}:{self.mlflow}"),
            ("--host=0.0.0.0", f"--host={HOST}"),
            ("--port=5000", f"--port={self.mlflow}"),
        ):
            text = text.replace(before, after)
        return text


PASSWORDS = {
    "postgres": "POSTGRES_PASSWORD",
    "mlflow_owner": "DB_OWNER_PASSWORD",
    "mlflow_tracking": "DB_TRACKING_PASSWORD",
    "mlflow_registry": "DB_REGISTRY_PASSWORD",
    "mlflow_login": "DB_LOGIN_PASSWORD",
    "qaqpa_log": "DB_LOG_PASSWORD",
}
"""The variable that holds the password of a role."""


@dataclass(frozen=True)
class Stack:
    """All services, running."""

    machine: Machine
    mlflow: Running
    opa: Running


@contextlib.contextmanager
def stack(directory: Path) -> Iterator[Stack]:
    """Prepares the database as the manifest does, and starts MLflow and OPA."""
    source = trusted(_made(directory / "parties"), times.now())
    write_key(directory / "gate.key", new_key("p256"), None, "gate")
    _made(directory / "bin")
    for program in ("migrate",):
        (directory / "bin" / program).symlink_to(DEPLOY / program)
    variables = {name: f"{number:048x}" for number, name in enumerate(PASSWORDS.values(), 1)}
    variables |= {"MLFLOW_ADMIN_PASSWORD": "a long enough password", "MLFLOW_FLASK_SECRET": "only for this test"}
    variables |= {"QAQPA_ROOTS": ",".join(source.roots), "QAQPA_ROOTS_THRESHOLD": str(source.threshold)}
    with postgresql(password=variables["POSTGRES_PASSWORD"]) as new:
        port = int(new("psycopg2", "unused").rpartition(":")[2].partition("/")[0])
        machine = Machine(directory, variables, port)
        for name in (*ONE_SHOTS, "mlflow", "opa"):
            machine.mount(name)
        for name in ONE_SHOTS:
            machine.run(name)
        with (
            _started(machine, "opa", f"http://{HOST}:{machine.diagnostics}", "/health?bundles") as opa,
            _started(machine, "mlflow", f"http://{HOST}:{machine.mlflow}", "/health") as mlflow,
        ):
            yield Stack(machine, mlflow, opa)


def _started(machine: Machine, name: str, url: str, health: str) -> contextlib.AbstractContextManager[Running]:
    command, environment = machine.command(name), machine.environment(name)
    return running(command, machine.directory, lambda: answers(f"{url}{health}"), environment, url)


def _made(directory: Path) -> Path:
    directory.mkdir()
    return directory
