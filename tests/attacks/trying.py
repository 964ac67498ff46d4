# SPDX-License-Identifier: Apache-2.0
"""Tries an attack on a server: what came back, and that what is in production and its bytes are the same after it."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import requests

from attacks.target import Target

GATE, MLFLOW, LOGIN, NOBODY = "the gate", "MLflow itself", "the login", "nobody: it does no harm"
"""Who stops an attack."""

REPORT = "QAQPA_ATTACK_REPORT"
"""Names the directory in which a run writes down what it tried."""

# Before a fixture takes all settings of that kind away.
_DIRECTORY = os.environ.get(REPORT, "")
_LONGEST = 240


@dataclass(frozen=True)
class Attack:
    """Requests that try to change what is in production, or what a decision rests on.

    `row` is that of the matrix. `status` is what the answer may be, where it is not the gate that stops it; `behind`,
    what it may be behind a login. `often` is true where every combination of database and login tries it. `first` makes
    what anybody may make, and names it; `do` is given the name.
    """

    name: str
    row: str
    do: Callable[..., requests.Response]
    by: str = GATE
    status: tuple[int, ...] = (400,)
    behind: tuple[int, ...] = ()
    often: bool = False
    first: Callable[[Target], str] | None = None


@dataclass(frozen=True)
class Tried:
    """One line of the report."""

    attack: str
    row: str
    where: str
    by_way_of: str
    user: str
    status: int
    code: str
    line: str
    stopped_by: str
    unchanged: bool = True


def try_it(attack: Attack, on: Target) -> None:
    """Makes the requests, and looks at what came back and what there is afterwards."""
    made = [attack.first(on)] if attack.first else []
    before = on.state(), on.production()
    answer = attack.do(on, *made)
    said = f"{attack.name}: {answer.status_code} {answer.text[:500]}"
    by = _stopped_by(attack, on, answer)
    if by == GATE:
        assert answer.status_code == 403, said
        assert answer.json()["error_code"] == "PERMISSION_DENIED", said
        assert answer.json()["qaqpa"]["verdict"] in {"deny", "undecided"}, said
        assert "\n" not in answer.json()["message"], said
    elif by == NOBODY:
        assert answer.ok, said
    elif by == MLFLOW:
        assert answer.status_code in attack.status + attack.behind, said
        assert "qaqpa" not in answer.json() if "json" in answer.headers.get("Content-Type", "") else True, said
    after = on.state(), on.production()
    assert after[1] == before[1], f"{attack.name} changed what is in production"
    if by == NOBODY:
        for version in (on.evil, on.worse):
            assert on.alias(version, "production").status_code == 403, f"{attack.name} opened the gate"
        assert on.production() == before[1]
    else:
        assert after[0] == before[0], f"{attack.name} changed something"
    write_down(attack.name, attack.row, on, "HTTP", answer, by)


def _stopped_by(attack: Attack, on: Target, answer: requests.Response) -> str:
    """Who did: a login asks before anybody else does, and knows less of the calls than MLflow."""
    if on.user and answer.status_code in attack.behind:
        return MLFLOW
    return LOGIN if on.user and attack.by != GATE and answer.text == "Permission denied" else attack.by


def write_down(attack: str, row: str, on: Target, way: str, answer: Any, by: str = GATE) -> None:
    """Adds a line to the report of this process, where one is wanted; `answer` is a response, or status and message."""
    if not _DIRECTORY:
        return
    status, code, line = _said(answer)
    tried = Tried(attack, row, on.where, way, on.user or "nobody", status, code, line, by)
    directory = Path(_DIRECTORY)
    directory.mkdir(parents=True, exist_ok=True)
    name = f"attacks-{os.environ.get('PYTEST_XDIST_WORKER', 'all')}.jsonl"
    with (directory / name).open("a", encoding="utf-8") as file:
        file.write(json.dumps(asdict(tried), ensure_ascii=False) + "\n")


def _said(answer: Any) -> tuple[int, str, str]:
    if isinstance(answer, tuple):
        status, message = answer
        return status, "", _short(message)
    try:
        found = answer.json()
    except ValueError:
        return answer.status_code, "", _short(answer.text)
    if not isinstance(found, dict):
        return answer.status_code, "", _short(answer.text)
    return answer.status_code, str(found.get("error_code", "")), _short(str(found.get("message", answer.text)))


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST else line[: _LONGEST - 1] + "…"
