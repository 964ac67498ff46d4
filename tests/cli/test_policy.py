# SPDX-License-Identifier: Apache-2.0
"""`qaqpa policy`."""

from __future__ import annotations

import tarfile
from pathlib import Path

import pytest
import yaml

from qaqpa.cli.main import main
from qaqpa.evidence.keys import new_key, write_key
from qaqpa.policy import user
from qaqpa.policy.bundle import load_bundle
from qaqpa.policy.mask import MASK
from qaqpa.resources import COMPILED
from support.opa import require_opa

HOSTILE = "out\x1b[31m\u202e"
SHOWN = "out\\u001b[31m\\u202e"


def test_the_directory_that_was_built_is_printed_without_control_characters(
    here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(user, "build_user_policies", lambda _directory, _out: user.Built("0" * 64, 1, 1, 1))
    assert main(["policy", "build", str(here), "--output", HOSTILE]) == 0
    out = capsys.readouterr().out
    assert f"  policy: {SHOWN}\n" in out
    assert "\x1b" not in out


def test_the_bundle_s_path_is_printed_without_control_characters(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = here / HOSTILE
    folder.mkdir()
    for file in COMPILED.iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    (here / "qaqpa.yaml").write_text('version: 1\npolicy: "out\\x1b[31m\\u202e"\n', encoding="utf-8")
    assert main(["policy", "bundle"]) == 0
    assert capsys.readouterr().out == f"{here.resolve()}/{SHOWN}/bundle.tar.gz\n"


def test_a_long_path_is_printed_whole(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    name = "/".join(["x" * 200] * 3)
    (here / name).mkdir(parents=True)
    for file in COMPILED.iterdir():
        (here / name / file.name).write_bytes(file.read_bytes())
    (here / "qaqpa.yaml").write_text(f"version: 1\npolicy: {name}\n", encoding="utf-8")
    assert main(["policy", "bundle"]) == 0
    assert capsys.readouterr().out == f"{here.resolve()}/{name}/bundle.tar.gz\n"


def test_a_signed_bundle_is_written_with_what_opa_s_configuration_needs(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    require_opa()
    write_key(here / "bundle.key", new_key("p256"), None, "")
    assert main(["policy", "bundle", "--sign-key", "bundle.key", "--output", "signed.tar.gz"]) == 0
    said = capsys.readouterr()
    keys = yaml.safe_load(said.out)["keys"]["qaqpa"]
    assert (keys["algorithm"], keys["scope"]) == ("ES256", "qaqpa")
    assert keys["key"].startswith("-----BEGIN PUBLIC KEY-----\n")
    assert f"wrote signed.tar.gz, revision {load_bundle().policy_digest}, signed by SHA256:" in said.err
    with tarfile.open("signed.tar.gz") as archive:
        assert "/.signatures.json" in archive.getnames()
    assert sorted(path.name for path in here.iterdir()) == ["bundle.key", "bundle.key.pub", "signed.tar.gz"]


@pytest.mark.parametrize("options", [["--sign-key", "bundle.key"], ["--output", "signed.tar.gz"]])
def test_a_key_without_a_file_and_a_file_without_a_key_are_refused(
    here: Path, capsys: pytest.CaptureFixture[str], options: list[str]
) -> None:
    assert main(["policy", "bundle", *options]) == 2
    assert "--sign-key and --output, or neither" in capsys.readouterr().err
    assert list(here.iterdir()) == []


def test_the_mask_for_opa_s_own_log_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["policy", "mask"]) == 0
    assert capsys.readouterr().out == MASK.read_text(encoding="utf-8")
