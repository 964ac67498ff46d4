# SPDX-License-Identifier: Apache-2.0
"""The guide says which permission of MLflow's login somebody needs for what: tried on the server that is deployed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest
import requests

from qaqpa.cli.main import main
from qaqpa.evidence.carriers import TAG_PREFIX
from support.composed import ROOT
from support.registry import Version

pytestmark = [pytest.mark.server, pytest.mark.opa]

GUIDE = (ROOT / "docs" / "guides" / "people.md").read_text("utf-8")
LEVELS = ("READ", "EDIT", "MANAGE")
NO = b"Permission denied"


def rows() -> dict[str, str]:
    """The guide's table: what somebody does, and the permission that it takes."""
    section = GUIDE.split("## What MLflow must let them do")[1].split("\n## ")[0]
    cells = [line.strip("|").split("|") for line in section.splitlines() if line.startswith("|")]
    return {row[0].strip(): row[1].strip(" `") for row in cells[2:]}


CALLS: Mapping[str, tuple[str, str]] = {
    "see evidence, check a version": ("GET", "model-versions/get"),
    "attach evidence about a version, a waiver, an override": ("POST", "model-versions/set-tag"),
    "attach evidence about a system": ("POST", "registered-models/set-tag"),
    "promote by an alias": ("POST", "registered-models/alias"),
    "promote by a stage": ("POST", "model-versions/transition-stage"),
    "take out of production by archiving": ("POST", "model-versions/transition-stage"),
    "take out of production by removing the alias": ("DELETE", "registered-models/alias"),
    "remove unsigned evidence of a version": ("DELETE", "model-versions/delete-tag"),
    "register another version": ("POST", "model-versions/create"),
}


@pytest.fixture(scope="module")
def model(server: Any) -> Iterator[Version]:
    """A version of which three people have a permission each."""
    found: Version = server.registered(evidence=False)
    server.login("admin")
    for level in LEVELS:
        server.admin.create_user(f"with {level}", f"password of with {level}")
        if level != "READ":
            server.admin.grant_user_permission(f"with {level}", "registered_model", found.name, level)
    yield found
    server.login("deployer")


def _is_let(server: Any, level: str, what: str, model: Version) -> bool:
    """True where MLflow's login lets somebody with a permission through; what the gate says is another matter."""
    method, call = CALLS[what]
    body = {
        "name": model.name,
        "version": model.number,
        "alias": "production",
        "key": f"{TAG_PREFIX}bias.abc",
        "value": "{}",
        "stage": "Archived" if "archiving" in what else "Production",
        "archive_existing_versions": False,
        "source": "s3://nowhere/model",
    }
    sent: dict[str, Any] = {"params": body} if method == "GET" else {"json": body}
    who = (f"with {level}", f"password of with {level}")
    url = f"{server.stack.mlflow.url}/api/2.0/mlflow/{call}"
    answer = requests.request(method, url, auth=who, timeout=60, **sent)
    assert answer.status_code != 401
    return not (answer.status_code == 403 and answer.content == NO)


def test_the_guide_names_each_of_them() -> None:
    assert rows().keys() == CALLS.keys()


@pytest.mark.parametrize("what", CALLS)
def test_it_takes_the_permission_that_the_guide_says_and_no_less(server: Any, model: Version, what: str) -> None:
    let = [level for level in LEVELS if _is_let(server, level, what, model)]
    assert let == list(LEVELS[LEVELS.index(rows()[what]) :])


def test_whoever_may_only_read_can_ask_whether_the_gate_refuses(
    server: Any, model: Version, capsys: pytest.CaptureFixture[str]
) -> None:
    del model
    server.login("with READ")
    assert main(["doctor", "--server", server.stack.mlflow.url]) == 0
    assert "asked by reading" in capsys.readouterr().out
