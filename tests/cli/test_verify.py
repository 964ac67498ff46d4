# SPDX-License-Identifier: Apache-2.0
"""`qaqpa verify` on directories: exit codes, reasons, requirements, and the directory that it makes."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from qaqpa import times
from qaqpa.cli.main import main
from qaqpa.documents import validator
from qaqpa.evidence.digest import dir_hash
from qaqpa.evidence.keys import openssh
from qaqpa.policy.embedded import EmbeddedEngine
from qaqpa.record.attest import BUNDLE_FILE, DSSE_FILE
from support.keyring import private_key_file, signing_key
from support.statements import everything
from support.verdicts import GATE, changed, judged, moved, statement, write

Capture = pytest.CaptureFixture[str]
DAY = timedelta(days=1)


@pytest.fixture(scope="module")
def sample(engine: EmbeddedEngine) -> dict[str, dict[str, Any]]:
    """A verdict that passed, and one that failed."""
    denied = [piece for piece in everything() if piece.kind != "audit"]
    return {"passed": statement(judged(engine)), "failed": statement(judged(engine, denied))}


@pytest.fixture
def found(here: Path, sample: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """A model, and the statement of a verdict about it that was made an hour ago."""
    (here / "model" / "data").mkdir(parents=True)
    (here / "model" / "MLmodel").write_text("flavors: {}\n")
    (here / "model" / "data" / "weights").write_bytes(b"0123456789")
    (here / "gate.pub").write_text(openssh(GATE.public_key, "gate"))
    now = times.now()
    about = moved(sample["passed"], dir_hash("model"), now - timedelta(hours=1), now + 20 * DAY)
    write(here, about)
    write(here, about, form=BUNDLE_FILE)
    return about


def verify(*more: str, target: str = "model", verdict: str = DSSE_FILE) -> int:
    asked = ["--gate-key", "gate.pub", "--profile", "article-baseline", "--model", "credit"]
    return main(["verify", target, "--verdict", verdict, *asked, *more])


def report(capsys: Capture, *more: str, **where: str) -> dict[str, Any]:
    """What it prints as JSON, which fits its schema and the exit code."""
    capsys.readouterr()
    code = verify(*more, "--format", "json", **where)
    document: dict[str, Any] = json.loads(capsys.readouterr().out)
    problems = [str(error.message) for error in validator("verification").iter_errors(document)]
    assert problems == []
    assert {"allow": 0, "deny": 3, "undecided": 4}[document["outcome"]] == code
    return document


@pytest.mark.parametrize("form", [DSSE_FILE, BUNDLE_FILE])
def test_both_forms_hold(found: dict[str, Any], capsys: Capture, form: str) -> None:
    assert verify(verdict=form) == 0
    out, err = capsys.readouterr()
    assert out.startswith("VERIFIED  model\n")
    assert GATE.key_id in out
    assert err == ""
    assert found


def test_one_changed_byte_is_refused(found: dict[str, Any], here: Path, capsys: Capture) -> None:
    (here / "model" / "data" / "weights").write_bytes(b"0123456788")
    assert verify() == 3
    out = capsys.readouterr().out
    assert out.startswith("REFUSED  model\n  ✗ bytes: it is about other bytes")
    assert "\n    required: a verdict about these bytes, " in out
    assert found


@pytest.mark.parametrize(
    ("more", "requirement"),
    [
        (["--stage", "staging"], "stage"),
        (["--verifier", "urn:acme:gate"], "verifier"),
        (["--context", "00" * 32], "context"),
        (["--policy", "00" * 32], "policies"),
        (["--configuration", "00" * 32], "configuration"),
        (["--profile", "kz"], "profiles"),
        (["--model", "other"], "model"),
        (["--workspace", "retail"], "workspace"),
        (["--model-version", "8"], "model_version"),
        (["--registry", "urn:acme:mlflow"], "registry"),
        (["--minimum-strength", "independent"], "minimum_strength"),
    ],
)
def test_a_requirement_that_is_not_met_exits_with_3_and_its_name(
    found: dict[str, Any], capsys: Capture, more: list[str], requirement: str
) -> None:
    document = report(capsys, *more)
    assert [one["requirement"] for one in document["unmet"]] == [requirement]
    assert document["verdict"]["result"] == "PASSED"
    assert found


def test_another_key_an_ended_date_and_an_old_verdict_are_refused(
    found: dict[str, Any], here: Path, capsys: Capture
) -> None:
    assert [one["requirement"] for one in report(capsys, "--max-age", "1d")["unmet"]] == []
    now = times.now()
    write(here, moved(found, dir_hash("model"), now - 10 * DAY, now + DAY))
    assert [one["requirement"] for one in report(capsys, "--max-age", "9d")["unmet"]] == ["max_age"]
    write(here, moved(found, dir_hash("model"), now - 10 * DAY, now - DAY))
    assert [one["requirement"] for one in report(capsys)["unmet"]] == ["end"]
    write(here, found, signing_key("gate", 3))
    document = report(capsys)
    assert [one["requirement"] for one in document["unmet"]] == ["signer"]
    assert document["verdict"] is None


def test_a_failed_verdict_is_refused_and_says_what_was_missing(
    found: dict[str, Any], here: Path, sample: dict[str, dict[str, Any]], capsys: Capture
) -> None:
    now = times.now()
    write(here, moved(sample["failed"], dir_hash("model"), now, now))
    document = report(capsys)
    assert "AUD-01" in document["unmet"][0]["found"]
    assert document["verdict"]["expires"] is None
    assert verify() == 3
    assert found


def test_what_cannot_be_carried_out_exits_with_4(found: dict[str, Any], here: Path, capsys: Capture) -> None:
    (here / "cut.json").write_bytes((here / DSSE_FILE).read_bytes()[:100])
    for wrong in ({"target": "none"}, {"verdict": "none"}, {"verdict": "cut.json"}, {"target": DSSE_FILE}):
        assert report(capsys, **wrong)["reason"]
    (here / "empty").mkdir()
    assert verify(target="empty") == 4
    (here / "model" / "link").symlink_to("MLmodel")
    assert "Only plain files" in report(capsys)["reason"]
    assert found


def test_a_link_to_the_model_is_not_the_model(found: dict[str, Any], here: Path, capsys: Capture) -> None:
    (here / "current").symlink_to("model")
    for name in ("current", "current/"):
        assert "symbolic link" in report(capsys, target=name)["reason"]
    assert verify("--into", "served", target="current") == 4
    assert not (here / "served").exists()
    assert found


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--profile", "x", "--model", "credit"], "--gate-key PUB"),
        (["--gate-key", "gate.pub", "--model", "credit"], "--profile ID"),
        (["--gate-key", "gate.pub", "--profile", "x"], "--model NAME"),
        (["--gate-key", "none", "--profile", "x", "--model", "credit"], "cannot be read"),
        (["--gate-key", "ed.pub", "--profile", "x", "--model", "credit"], "ECDSA P-256"),
        (["--gate-key", "private", "--profile", "x", "--model", "credit"], "private key"),
        (["--gate-key", "model/gate.pub", "--profile", "x", "--model", "credit"], "among the files"),
        (["--gate-key", "gate.pub", "--profile", "x", "--context", "AB"], "64 hexadecimal digits"),
        (["--gate-key", "gate.pub", "--profile", "x", "--model", "c", "--max-age", "1w"], "such as 12h or 7d"),
        (["--require", "none.yaml"], "cannot be read"),
        (["--require", "model/requirements.yaml"], "among the files"),
    ],
)
def test_too_little_or_wrong_requirements_exit_with_2(
    found: dict[str, Any], here: Path, capsys: Capture, arguments: list[str], said: str
) -> None:
    (here / "ed.pub").write_text(openssh(signing_key("gate", 0).public_key))
    shutil.copy(private_key_file(here, "gate", 1), here / "private")
    assert main(["verify", "model", "--verdict", DSSE_FILE, *arguments]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert said in err
    assert found


def test_a_file_of_requirements_does_and_no_option_contradicts_it(
    found: dict[str, Any], here: Path, capsys: Capture
) -> None:
    key = openssh(GATE.public_key)
    (here / "requirements.yaml").write_text(
        f'version: 1\ngate_keys: ["{key}"]\nmodel: credit\nprofiles: [article-baseline]\nstage: staging\n'
    )
    command = ["verify", "model", "--verdict", DSSE_FILE, "--require", "requirements.yaml"]
    assert main(command) == 3
    assert main([*command, "--stage", "staging", "--gate-key", "gate.pub"]) == 3
    (here / "other.pub").write_text(openssh(signing_key("gate", 3).public_key))
    for option, value, field in (
        ("--stage", "production", "`stage`"),
        ("--gate-key", "other.pub", "`gate_keys`"),
        ("--profile", "kz", "`profiles`"),
        ("--model", "other", "`model`"),
    ):
        capsys.readouterr()
        assert main([*command, option, value]) == 2
        assert field in capsys.readouterr().err
    (here / "requirements.yaml").write_text(f'version: 1\ngate_keys: ["{key}"]\nmodel: credit\n')
    assert main([*command, "--profile", "article-baseline"]) == 0
    assert found


def test_into_makes_the_directory_only_where_all_holds(found: dict[str, Any], here: Path, capsys: Capture) -> None:
    assert verify("--into", "served", "--stage", "staging") == 3
    assert "served was not made" in capsys.readouterr().out
    assert verify("--into", "served", verdict="none") == 4
    before = sorted(path.name for path in here.iterdir())
    assert "served" not in before
    assert verify("--into", "served") == 0
    assert dir_hash("served") == dir_hash("model")
    assert sorted(path.name for path in here.iterdir()) == sorted([*before, "served"])
    assert found


def test_into_takes_no_place_that_exists(found: dict[str, Any], here: Path, capsys: Capture) -> None:
    (here / "served").mkdir()
    (here / "dangling").symlink_to("nowhere")
    for name in ("served", "dangling", "gate.pub", ".", "model"):
        assert verify("--into", name) == 2
        assert "exists already" in capsys.readouterr().err
    assert verify("--into", "model/inside") == 2
    assert verify("--into", "none/served") == 2
    assert list((here / "served").iterdir()) == []
    assert found


def test_what_was_verified_is_what_was_copied_and_not_what_came_later(
    found: dict[str, Any], here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The source changes after it was copied; the directory that is kept does not."""
    digest = dir_hash("model")

    def hashed(root: Path) -> str:
        (here / "model" / "MLmodel").write_text("evil\n")
        return dir_hash(root)

    monkeypatch.setattr("qaqpa.cli.deploying.dir_hash", hashed)
    assert verify("--into", "served") == 0
    assert dir_hash("served") == digest
    assert dir_hash("model") != digest
    assert found


def test_special_files_and_links_in_the_source_are_refused(found: dict[str, Any], here: Path) -> None:
    (here / "model" / "link").symlink_to("/etc/passwd")
    assert verify("--into", "served") == 4
    (here / "model" / "link").unlink()
    os.mkfifo(here / "model" / "pipe")
    assert verify("--into", "served") == 4
    assert not (here / "served").exists()
    assert not list(here.glob(".qaqpa-*"))
    assert found


def test_hostile_texts_in_a_signed_verdict_are_escaped(found: dict[str, Any], here: Path, capsys: Capture) -> None:
    def hostile(value: dict[str, Any]) -> None:
        value["predicate"]["verifier"]["version"]["qaqpa"] = "\x1b[2J\n::error::x"
        value["predicate"]["urn:qaqpa:verdict:ends-with:v1"] = "\x1b[31m\u202e"

    write(here, changed(found, hostile))
    assert verify() == 0
    assert "\x1b" not in capsys.readouterr().out
    document = report(capsys)
    assert "\x1b" not in document["verdict"]["ends_with"]


def test_it_needs_neither_a_network_nor_mlflow_nor_an_engine(found: dict[str, Any]) -> None:
    script = (
        # A library that signs imports boto3 wherever it is; it comes with what tests need for buckets.
        "import socket, sys; sys.modules['boto3'] = None; from qaqpa.cli.main import main\n"
        "def offline(*_, **__): raise OSError('there is no network')\n"
        "socket.socket = socket.getaddrinfo = offline\n"
        "code = main(sys.argv[1:])\n"
        "heavy = {'mlflow', 'requests', 'urllib3', 'wasmtime', 'rich', 'opa_client', 'qaqpa.gate'}\n"
        "print(f'code {code} heavy {sorted(heavy & set(sys.modules))}', file=sys.stderr)\n"
    )
    asked = ["--gate-key", "gate.pub", "--profile", "article-baseline", "--model", "credit"]
    command = [sys.executable, "-c", script, "verify", "model", "--verdict", DSSE_FILE, *asked]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert done.stderr.splitlines()[-1] == "code 0 heavy []"
    assert found
