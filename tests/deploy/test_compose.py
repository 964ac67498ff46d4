# SPDX-License-Identifier: Apache-2.0
"""What the Compose file promises. That it works is shown by `test_roles`, which runs its services as processes."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest
import yaml

from qaqpa.cli.main import main
from support.composed import DEPLOY, MANIFEST, services, variables_of

TEXT = MANIFEST.read_text("utf-8")
WHOLE = yaml.safe_load(TEXT)
SERVICES = services()
ONE_VARIABLE = re.compile(r"\$\{[A-Z_]+:\?[^}]*\}")
PINNED = re.compile(r"[\w./-]+:\d+\.\d+(\.\d+)?(-[\w.]+)?")


def environments() -> list[tuple[str, str, str]]:
    return [
        (name, key, str(value))
        for name, service in SERVICES.items()
        for key, value in service.get("environment", {}).items()
    ]


def test_it_fits_the_schema_of_compose() -> None:
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", str(MANIFEST)]
    answer = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert answer.returncode == 0, answer.stdout + answer.stderr


@pytest.mark.parametrize("name", SERVICES)
def test_every_service_runs_without_rights_on_files_that_it_cannot_change(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert not {"privileged", "cap_add", "pid", "ipc", "devices"} & set(service)
    user, group = service["user"].split(":")
    assert int(user) > 0
    assert int(group) > 0
    assert PINNED.fullmatch(service["image"]), service["image"]
    assert service["restart"] in {"no", "unless-stopped"}


@pytest.mark.parametrize(("name", "key", "value"), environments())
def test_no_secret_stands_in_the_file(name: str, key: str, value: str) -> None:
    if re.search("PASSWORD|SECRET", key):
        assert ONE_VARIABLE.fullmatch(value), f"{name}: {key}"
    for login in re.findall(r"://([^@/]*)@", value):
        assert ONE_VARIABLE.fullmatch(login.partition(":")[2]), f"{name}: {key}"


def test_a_variable_that_nobody_set_stops_it_and_the_example_names_all() -> None:
    example = (MANIFEST.parent / "env.example").read_text("utf-8")
    named = set(re.findall(r"(?m)^([A-Z_]+)=", example))
    assert named == variables_of(TEXT)
    assert set(re.findall(r"\$\{([A-Z_]+)(?!:\?)[:}]", re.sub(r"\$\{[A-Z_]+:\?[^}]*\}", "", TEXT))) == {"MLFLOW_HOSTS"}
    ignored = (MANIFEST.parent / ".gitignore").read_text("utf-8").split()
    assert ignored == [".env", "secrets/", "parties/"]


def test_who_reaches_whom() -> None:
    assert WHOLE["networks"] == {"data": {"internal": True}, "policy": {"internal": True}, "edge": {}}
    reaching = {name: service.get("networks", service.get("network_mode")) for name, service in SERVICES.items()}
    assert reaching == {
        **{name: ["data"] for name in ("postgres", "roles", "migrate", "grants")},
        "bundle": "none",
        "mlflow": ["data", "policy", "edge"],
        "opa": ["policy"],
    }
    assert {name: service["ports"] for name, service in SERVICES.items() if "ports" in service} == {
        "mlflow": ["127.0.0.1:5000:5000"]
    }


def test_what_decides_is_mounted_read_only() -> None:
    mounted = [volume.split(":") for volume in SERVICES["mlflow"]["volumes"]]
    assert {target: bool(how) for _, target, *how in mounted} == {
        "/etc/qaqpa": True,
        "/etc/qaqpa-parties": True,
        "/srv/artifacts": False,
        "/var/lib/state": False,
    }
    assert SERVICES["opa"]["volumes"] == ["bundle:/bundle:ro"]


def test_only_the_steps_before_it_know_more_than_the_server() -> None:
    powerful = ("POSTGRES_PASSWORD", "DB_OWNER_PASSWORD")
    knowing = {name for name, _, value in environments() if any(secret in value for secret in powerful)}
    assert knowing == {"postgres", "roles", "migrate", "grants"}


def test_each_waits_for_what_it_needs() -> None:
    waits = {name: service.get("depends_on", {}) for name, service in SERVICES.items()}
    conditions = {(name, on): what["condition"] for name, found in waits.items() for on, what in found.items()}
    assert conditions == {
        ("roles", "postgres"): "service_healthy",
        ("migrate", "roles"): "service_completed_successfully",
        ("grants", "migrate"): "service_completed_successfully",
        ("mlflow", "grants"): "service_completed_successfully",
        ("opa", "bundle"): "service_completed_successfully",
        ("mlflow", "opa"): "service_healthy",
    }
    assert {name for name, service in SERVICES.items() if "healthcheck" in service} == {"postgres", "mlflow", "opa"}


def test_jobs_are_off() -> None:
    assert SERVICES["mlflow"]["environment"]["MLFLOW_SERVER_ENABLE_JOB_EXECUTION"] == "false"


def test_the_configuration_is_valid(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("QAQPA_ENGINE", "embedded")
    monkeypatch.setenv("QAQPA_LOG", "none")
    assert main(["doctor", "--config", str(DEPLOY / "config" / "qaqpa.yaml")]) == 0
    out = capsys.readouterr().out
    assert all(name in out for name in ("@production", "@champion", "article-baseline"))
