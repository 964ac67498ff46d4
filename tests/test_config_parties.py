# SPDX-License-Identifier: Apache-2.0
"""The configuration: whose signatures count, from the file and from the environment."""

from __future__ import annotations

from pathlib import Path

import pytest

from qaqpa.config import Config, load_config
from qaqpa.documents import DocumentError
from qaqpa.errors import UsageError
from qaqpa.model import Separation
from support.configurations import load

ONE, TWO = f"SHA256:{'a' * 43}", f"SHA256:{'b' * 42}/"
FILE = f"""\
version: 1
parties:
  file: trust/parties.signed.json
  roots: ["{ONE}", "{TWO}"]
  threshold: 2
"""


def refused(root: Path, text: str) -> UsageError:
    with pytest.raises(UsageError) as caught:
        load(root, text)
    return caught.value


def test_without_a_parties_file_nobody_is_trusted_and_it_is_said() -> None:
    assert Config().parties is None
    assert ("parties", "none: nobody's signature counts", "default") in load_config().sources


def test_the_file_lies_beside_the_configuration_and_versions_are_remembered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    config = load(tmp_path, FILE)
    assert config.parties
    assert config.parties.file == tmp_path / "trust" / "parties.signed.json"
    assert (config.parties.roots, config.parties.threshold) == ((ONE, TWO), 2)
    assert (config.parties.minimum_version, config.parties.state) == (1, tmp_path / "state" / "qaqpa")
    assert config.parties.roots_from == str(tmp_path / "qaqpa.yaml")
    shown = {name: (value, source) for name, value, source in config.sources}
    assert shown["parties.roots"] == (f"2 of {ONE}, {TWO}", str(tmp_path / "qaqpa.yaml"))


@pytest.mark.parametrize(("written", "state"), [("none", None), ("kept", "kept")])
def test_the_state_can_be_elsewhere_or_nowhere(tmp_path: Path, written: str, state: str | None) -> None:
    config = load(tmp_path, f"{FILE}  state: {written}\n  minimum_version: 7\n")
    assert config.parties
    assert config.parties.state == (tmp_path / state if state else None)
    assert config.parties.minimum_version == 7


def test_without_a_state_home_versions_are_remembered_below_the_users_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    config = load(tmp_path, FILE)
    assert config.parties
    assert config.parties.state == tmp_path / ".local" / "state" / "qaqpa"


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        ("threshold: 2", "threshold: 0", "threshold"),
        (ONE, "SHA256:short", "roots"),
        (ONE, TWO, "roots"),
        ("  threshold: 2\n", "", "threshold"),
        ("file: trust/parties.signed.json", 'file: ""', "file"),
        ("threshold: 2", "threshold: 2\n  version: 3", "version"),
    ],
)
def test_a_broken_part_is_refused_with_its_place(tmp_path: Path, old: str, new: str, found: str) -> None:
    error = refused(tmp_path, FILE.replace(old, new))
    assert isinstance(error, DocumentError)
    assert "qaqpa.yaml:" in str(error)
    assert found in str(error)


def test_more_root_keys_than_there_are_can_never_sign(tmp_path: Path) -> None:
    assert "3 root keys must sign, and 2 are listed" in str(
        refused(tmp_path, FILE.replace("threshold: 2", "threshold: 3"))
    )


def test_the_environment_wins_over_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QAQPA_PARTIES", str(tmp_path / "other.json"))
    monkeypatch.setenv("QAQPA_ROOTS", f" {TWO}\n")
    monkeypatch.setenv("QAQPA_ROOTS_THRESHOLD", "1")
    monkeypatch.setenv("QAQPA_PARTIES_MINIMUM_VERSION", "9")
    config = load(tmp_path, FILE)
    assert config.parties
    assert (config.parties.file, config.parties.roots) == (tmp_path / "other.json", (TWO,))
    assert (config.parties.threshold, config.parties.minimum_version) == (1, 9)
    assert (config.parties.file_from, config.parties.roots_from) == ("QAQPA_PARTIES", "QAQPA_ROOTS")


def test_the_environment_alone_is_enough(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QAQPA_PARTIES", "parties.signed.json")
    monkeypatch.setenv("QAQPA_ROOTS", f"{ONE},{TWO}")
    monkeypatch.setenv("QAQPA_ROOTS_THRESHOLD", "2")
    config = load_config()
    assert config.parties
    assert config.parties.file == here / "parties.signed.json"
    assert (config.parties.roots, config.parties.threshold) == ((ONE, TWO), 2)


@pytest.mark.parametrize(
    ("variables", "found"),
    [
        ({"QAQPA_PARTIES": "x"}, "QAQPA_PARTIES is set and QAQPA_ROOTS is not"),
        ({"QAQPA_ROOTS": ONE}, "QAQPA_ROOTS is set and QAQPA_PARTIES is not"),
        ({"QAQPA_ROOTS_THRESHOLD": "2"}, "QAQPA_ROOTS_THRESHOLD is set and QAQPA_ROOTS is not"),
        ({"QAQPA_PARTIES": "x", "QAQPA_ROOTS": "SHA256:x"}, "not a list of key ids"),
        ({"QAQPA_PARTIES": "x", "QAQPA_ROOTS": f"{ONE} {TWO}"}, "QAQPA_ROOTS_THRESHOLD is not"),
        ({"QAQPA_PARTIES": "x", "QAQPA_ROOTS": ONE, "QAQPA_ROOTS_THRESHOLD": "2"}, "2 root keys must sign"),
        ({"QAQPA_PARTIES": "x", "QAQPA_ROOTS": ONE, "QAQPA_ROOTS_THRESHOLD": "0"}, "'0' is no such number"),
        ({"QAQPA_PARTIES": "x", "QAQPA_ROOTS": ONE, "QAQPA_PARTIES_MINIMUM_VERSION": "x"}, "'x' is no such number"),
        ({"QAQPA_PARTIES": "x", "QAQPA_ROOTS": f"{ONE},{ONE}", "QAQPA_ROOTS_THRESHOLD": "2"}, "2 root keys must sign"),
    ],
)
def test_broken_variables_are_refused(
    here: Path, monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], found: str
) -> None:
    del here
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(UsageError, match=found):
        load_config()


def test_the_environment_weakens_nothing_in_passing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QAQPA_PARTIES_MINIMUM_VERSION", "3")
    config = load(tmp_path, f"{FILE}  minimum_version: 7\n")
    assert config.parties
    assert config.parties.minimum_version == 7
    monkeypatch.setenv("QAQPA_ROOTS", TWO)
    with pytest.raises(UsageError, match="QAQPA_ROOTS_THRESHOLD is not"):
        load(tmp_path, FILE)


def test_separation_of_duties_holds_where_it_is_known_who_asks_unless_it_is_said_otherwise(tmp_path: Path) -> None:
    assert load(tmp_path, "version: 1\n").settings.separation_of_duties is Separation.WHEN_KNOWN
    config = load(tmp_path, "version: 1\nseparation_of_duties: required\n")
    assert config.gates[0].settings.separation_of_duties is Separation.REQUIRED
    assert config.settings_for(config.gates[0].stage).separation_of_duties is Separation.REQUIRED
    off = load(tmp_path, "version: 1\nseparation_of_duties: 'off'\n")
    assert off.settings.separation_of_duties is Separation.OFF
