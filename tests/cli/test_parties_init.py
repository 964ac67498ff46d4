# SPDX-License-Identifier: Apache-2.0
"""`qaqpa parties init`: what it writes can be signed and is in force, and nothing is overwritten."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import pytest

from qaqpa.cli.main import main
from qaqpa.documents import read
from qaqpa.evidence.kinds import WITHDRAWAL, kinds
from qaqpa.evidence.parties import Parties, parse_parties
from support.keyring import (
    private_key_file,
    public_line,
    signing_key,
)
from support.parties_files import in_force, sign

EVERYBODY = [
    *("trainer", "owner", "auditor", "dpo", "risk", "oversight", "chair", "approver", "lawyer", "security"),
    *("incident1", "incident2"),
]

ROLES = {
    "trainer": "ml_engineer",
    "owner": "model_owner",
    "auditor": "auditor",
    "dpo": "dpo",
    "risk": "risk_owner",
    "oversight": "oversight_lead",
    "chair": "commission_chair+commission_member",
    "approver": "approver",
    "lawyer": "lawyer",
    "security": "security_officer",
    "incident1": "incident",
    "incident2": "incident",
}


class Terminal(io.StringIO):
    """Answers, line by line, as from a terminal."""

    def isatty(self) -> bool:
        return True


def made(here: Path, *persons: str, file: str = "parties.yaml") -> Parties:
    """What `init` writes for some persons of the keyring."""
    arguments = ["parties", "init", file]
    for name in ("root1", "root2"):
        private_key_file(here, name)
        arguments += ["--root", str(here / f"{name}.pub")]
    for name in persons or EVERYBODY:
        private_key_file(here, name)
        fields = f"id={name},unit=unit-{name},roles={ROLES[name]},disciplines=law,key={name}.pub,login={name}"
        arguments += ["--party", fields]
    assert main(arguments) == 0
    return parse_parties(read(here / file))


def test_what_init_writes_can_be_signed_and_is_then_in_force(here: Path) -> None:
    parties = made(here)
    assert set(parties.rules) == set(kinds()) - {WITHDRAWAL}, "a rule for every kind"
    assert parties.persons["chair"].roles == ("commission_chair", "commission_member")
    assert parties.persons["risk"].keys[0].id == signing_key("risk").key_id
    assert parties.named_by("dpo") == parties.persons["dpo"]
    assert sign(here, "root1", "root2") == 0
    assert in_force(here).persons.keys() == set(EVERYBODY)


def test_a_rule_that_nobody_could_fulfil_is_written_as_a_comment(here: Path) -> None:
    assert set(made(here, "dpo").rules) == {name for name, own in kinds().items() if own.actor == "dpo"}
    assert "  # audit:\n  #   roles: [auditor]" in (here / "parties.yaml").read_text("utf-8")


def test_an_override_needs_two_persons_and_its_rule_says_so(here: Path) -> None:
    assert "override" not in made(here, "incident1").rules
    text = (here / "parties.yaml").read_text("utf-8")
    assert "  # Override. It needs 2 persons with this role, so it cannot be given yet.\n" in text
    rule = made(here, "incident1", "incident2", file="two.yaml").rules["override"]
    assert (rule.roles, rule.threshold, rule.max_age_days, rule.other_unit) == (("incident",), 2, 1, True)


def test_a_comment_that_is_taken_away_leaves_a_rule(here: Path) -> None:
    made(here, "dpo")
    path = here / "parties.yaml"
    text = path.read_text("utf-8").replace('["dpo"]', "[dpo, auditor]")
    start, end = text.index("  # audit:"), text.index("  # Bias test.")
    rule = text[start:end].replace("  # audit:", "  audit:").replace("  #   ", "    ")
    text = text[:start] + rule + text[end:]
    path.write_text(text, encoding="utf-8")
    assert parse_parties(read(path)).rules["audit"].other_unit


def test_nobody_with_a_role_leaves_no_rule(here: Path) -> None:
    private_key_file(here, "root1")
    arguments = ["parties", "init", "parties.yaml", "--root", "root1.pub", "--party", "id=ana,unit=lab"]
    assert main(arguments) == 0
    assert parse_parties(read(here / "parties.yaml")).rules == {}


@pytest.mark.parametrize(("days", "code"), [("90", 0), ("1", 0), ("91", 2), ("0", 2)])
def test_the_file_ends_within_90_days(here: Path, days: str, code: int) -> None:
    options = ["--root", public_line("root1"), "--party", "id=ana,unit=lab", "--days", days]
    assert main(["parties", "init", "parties.yaml", *options]) == code
    assert (here / "parties.yaml").exists() is (code == 0)


@pytest.mark.parametrize("make", [lambda path: path.write_text("mine"), lambda path: path.symlink_to("nowhere")])
def test_init_never_overwrites(here: Path, make: object, capsys: pytest.CaptureFixture[str]) -> None:
    assert callable(make)
    make(here / "parties.yaml")
    options = ["--root", public_line("root1"), "--party", "id=ana,unit=lab"]
    assert main(["parties", "init", "parties.yaml", *options]) == 2
    assert "exists already" in capsys.readouterr().err
    assert not (here / "nowhere").exists()


def test_without_a_terminal_nothing_is_asked(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["parties", "init", "parties.yaml", "--root", public_line("root1")]) == 2
    assert "required: --root and --party" in capsys.readouterr().err
    assert not (here / "parties.yaml").exists()


@pytest.mark.parametrize(
    ("party", "found"),
    [
        ("id=ana", "names no id or no unit"),
        ("unit=lab", "names no id or no unit"),
        ("id=ana,unit=lab,mail=x", "is no field of a person"),
        ("id=ana,unit=lab,", "is no field of a person"),
        ("id=Ana,unit=lab", "parties.0.id"),
        ("id=ana,unit=lab,roles=admin", "is not one of auditor"),
        ("id=ana,unit=lab,key=nowhere.pub", "cannot be read"),
        ("id=ana,unit=lab,key=root1", "Name the file that ends in .pub"),
        ("id=ana,unit=lab,key=root1.pub", "first it is a root key"),
    ],
)
def test_a_wrong_person_is_refused_and_nothing_is_written(
    here: Path, party: str, found: str, capsys: pytest.CaptureFixture[str]
) -> None:
    private_key_file(here, "root1")
    assert main(["parties", "init", "parties.yaml", "--root", "root1.pub", "--party", party]) == 2
    assert found in capsys.readouterr().err
    assert not (here / "parties.yaml").exists()


def test_on_a_terminal_it_asks_until_the_answers_fit(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("root1", "auditor"):
        private_key_file(here, name)
    roots = ["", "root1", "root1.pub", public_line("root2"), ""]
    ana = ["Ana", "ana", "", "audit", "admin", "auditor + dpo", "Law", "law", "", "ana@example.org"]
    bob = ["bob", "lab", "", "", "auditor.pub", "", ""]
    monkeypatch.setattr(sys, "stdin", Terminal("\n".join([*roots, *ana, *bob, ""])))
    assert main(["parties", "init", "parties.yaml"]) == 0
    parties = parse_parties(read(here / "parties.yaml"))
    assert len(parties.root_keys) == 2
    first, second = parties.persons["ana"], parties.persons["bob"]
    assert (first.unit, first.roles, first.disciplines) == ("audit", ("auditor", "dpo"), ("law",))
    assert (first.keys, first.logins) == ((), ("ana@example.org",))
    assert (second.roles, second.keys[0].id) == ((), signing_key("auditor").key_id)
    assert "There is no role 'admin'." in capsys.readouterr().out
