# SPDX-License-Identifier: Apache-2.0
"""`qaqpa check --verdict`: a signed verdict on what was decided, or none at all."""

from __future__ import annotations

import argparse
import base64
import json
import shutil
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from qaqpa import times
from qaqpa.cli import verdicts
from qaqpa.cli.main import main
from qaqpa.errors import UndecidedError, UsageError
from qaqpa.evidence.keys import new_key, write_key
from qaqpa.record import summary
from qaqpa.record.attest import BUNDLE_FILE, DSSE_FILE
from support.directories import signed_system, write_trust
from support.keyring import private_key_file
from support.verdicts import GATE

Capture = pytest.CaptureFixture[str]


@pytest.fixture(scope="module")
def signed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A system that passes in production, with the configuration that trusts its signers."""
    base = tmp_path_factory.mktemp("signed")
    signed_system(base / "system")
    write_trust(base / "trust")
    return base


@pytest.fixture
def base(signed: Path, here: Path) -> Path:
    """A copy of it in the working directory, and the gate's key."""
    for name in ("system", "trust"):
        shutil.copytree(signed / name, here / name)
    configuration = here / "trust" / "qaqpa.yaml"
    configuration.write_text(configuration.read_text().replace(str(signed), str(here)))
    private_key_file(here, "gate", 1)
    return here


def check(*more: str, key: str = "gate-1") -> int:
    command = ["check", "system", "--stage", "production", "--name", "credit", "--config", "trust/qaqpa.yaml"]
    return main([*command, "--verdict", "out", *(["--gate-key", key] if key else []), *more])


def predicate(path: str = "out") -> dict[str, Any]:
    envelope = json.loads((Path(path) / DSSE_FILE).read_text())
    assert json.loads((Path(path) / BUNDLE_FILE).read_text())["dsseEnvelope"] == envelope
    found: dict[str, Any] = json.loads(base64.b64decode(envelope["payload"]))["predicate"]
    return found


def files() -> list[str]:
    return sorted(path.name for path in Path("out").iterdir()) if Path("out").exists() else []


def test_an_allow_is_signed_and_written_in_both_forms(base: Path, capsys: Capture) -> None:
    assert check() == 0
    assert files() == [DSSE_FILE, BUNDLE_FILE]
    assert predicate()["verificationResult"] == "PASSED"
    err = capsys.readouterr().err
    ends = predicate()[summary.EXPIRES]
    assert f"PASSED, ends {ends}, signed by {GATE.key_id}" in err
    assert base.is_dir()


def test_a_deny_replaces_the_earlier_pass(base: Path) -> None:
    assert check() == 0
    (base / "system" / "evidence" / "audit.json").unlink()
    assert check() == 3
    assert predicate()["verifiedLevels"] == ["FAILED"]


@pytest.mark.parametrize(
    ("more", "code"),
    [
        (["--as-of", "2026-11-24"], 2),
        (["--stage", "review"], 2),
        (["--profile", "nope"], 2),
        (["--config", "none.yaml"], 2),
        (["--format", "nope"], 2),
        (["--gate-key", "gate-1.pub"], 2),
        (["--gate-key", "none"], 2),
        (["--name", "other"], 2),
    ],
)
def test_a_run_that_signs_nothing_leaves_no_earlier_verdict(
    base: Path, capsys: Capture, more: list[str], code: int
) -> None:
    assert check() == 0
    capsys.readouterr()
    assert check(*more) == code
    assert files() == []
    assert capsys.readouterr().out == ""
    assert base.is_dir()


def test_an_unreadable_model_leaves_no_earlier_verdict(base: Path) -> None:
    assert check() == 0
    (base / "system" / "model" / "link").symlink_to("MLmodel")
    assert check() == 4
    assert files() == []


def test_without_bytes_the_decision_stands_and_nothing_is_signed(base: Path, capsys: Capture) -> None:
    shutil.rmtree(base / "system" / "model")
    assert check() in (3, 4)
    assert files() == []
    assert "no verdict is signed" in capsys.readouterr().err


def test_a_signature_that_fails_is_no_pass(base: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    def fail(*_: object) -> None:
        raise UndecidedError("The key service does not answer")

    monkeypatch.setattr(verdicts, "signed_files", fail)
    assert check() == 4
    out, err = capsys.readouterr()
    assert (out, files()) == ("", [])
    assert "does not answer" in err
    assert base.is_dir()


def test_a_place_that_cannot_be_written_is_no_pass(base: Path, capsys: Capture) -> None:
    (base / "out").write_text("a file")
    assert check() == 2
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("place", ["system/model", "system/evidence", "system/model/../model/out"])
def test_a_verdict_does_not_lie_in_what_is_judged(base: Path, capsys: Capture, place: str) -> None:
    assert check("--verdict", place) == 2
    assert "in what is judged" in capsys.readouterr().err
    assert not list(base.glob("system/**/verdict*"))


def test_a_comparison_gets_no_verdict(base: Path) -> None:
    asked = argparse.Namespace(verdict="out", gate_key="gate-1", target="system", base="main")
    with pytest.raises(UsageError, match="advice"):
        verdicts.Signing(asked)
    assert base.is_dir()


def test_a_key_in_a_service_needs_its_public_key(base: Path, capsys: Capture) -> None:
    assert check(key="awskms:alias/gate") == 2
    assert "Add --gate-public-key PUB" in capsys.readouterr().err
    assert files() == []
    assert base.is_dir()


def test_an_ed25519_key_is_refused(base: Path, capsys: Capture) -> None:
    private_key_file(base, "gate", 0)
    assert check(key="gate") == 2
    assert "required: ECDSA P-256" in capsys.readouterr().err


def test_no_key_at_all_is_refused(base: Path, capsys: Capture) -> None:
    assert check(key="") == 2
    assert "Add --gate-key FILE" in capsys.readouterr().err
    assert main(["check", "system", "--gate-key", "gate-1"]) == 2
    assert base.is_dir()


def test_the_configuration_names_gate_registry_span_and_key(base: Path) -> None:
    own = "verdict: {verifier: 'urn:acme:gate', registry: 'https://mlflow.acme.example', days: 2, key: ../gate-1}\n"
    configuration = base / "trust" / "qaqpa.yaml"
    configuration.write_text(configuration.read_text() + own)
    assert check(key="") == 0
    found = predicate()
    assert found["verifier"]["id"] == "urn:acme:gate"
    assert "repository_url=https" in found["resourceUri"]
    verified, ends = (times.parse(found[name]) for name in ("timeVerified", summary.EXPIRES))
    assert ends - verified == timedelta(days=2)
    assert found[summary.ENDS_WITH] == "span"


def test_an_encrypted_key_takes_its_passphrase_from_a_file(base: Path, capsys: Capture) -> None:
    write_key(base / "locked", new_key("p256"), b"secret", "gate")
    (base / "passphrase").write_text("secret\n")
    assert check("--passphrase-file", "passphrase", key="locked") == 0
    (base / "passphrase").write_text("wrong\n")
    assert check("--passphrase-file", "passphrase", key="locked") == 2
    assert files() == []
    assert "secret" not in capsys.readouterr().err


def test_an_observed_model_gets_no_verdict(base: Path, capsys: Capture) -> None:
    configuration = base / "trust" / "qaqpa.yaml"
    until = (times.now() + timedelta(days=9)).date()
    configuration.write_text(configuration.read_text() + f"observe: [{{models: ['cre*'], until: {until}}}]\n")
    assert check() == 2
    assert files() == []
    assert "only observed" in capsys.readouterr().err


@pytest.mark.parametrize(
    "part",
    ["{days: 0}", "{days: 91}", "{verifier: gate}", "{registry: 'a b:c'}", "{name: x}", "{key: ''}", "{days: 1.5}"],
)
def test_what_is_wrong_in_the_configuration_has_its_place(base: Path, capsys: Capture, part: str) -> None:
    configuration = base / "trust" / "qaqpa.yaml"
    configuration.write_text(configuration.read_text() + f"verdict: {part}\n")
    assert check() == 2
    assert "trust/qaqpa.yaml:3:" in capsys.readouterr().err


def test_without_the_option_nothing_is_written(base: Path) -> None:
    assert main(["check", "system", "--stage", "production", "--config", "trust/qaqpa.yaml"]) == 0
    assert files() == []
    assert not list(base.glob("**/verdict*"))
