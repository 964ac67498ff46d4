# SPDX-License-Identifier: Apache-2.0
"""`qaqpa parties`: what it writes is in force, what it signs cannot be undone by mistake, and what it says is true."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path

import pytest

from qaqpa import times
from qaqpa.cli.main import main
from qaqpa.config import PartiesSource
from qaqpa.documents import read
from qaqpa.evidence.kinds import WITHDRAWAL, kinds
from qaqpa.evidence.parties import Parties, parse_parties
from qaqpa.evidence.trust import Trust
from support.keyring import (
    key_entry,
    organisation,
    parties_text,
    person,
    private_key_file,
    public_line,
    signing_key,
    to_yaml,
    trusted,
)

EVERYBODY = ["trainer", "owner", "auditor", "dpo", "risk", "oversight", "chair"]
ROLES = {
    "trainer": "ml_engineer",
    "owner": "model_owner",
    "auditor": "auditor",
    "dpo": "dpo",
    "risk": "risk_owner",
    "oversight": "oversight_lead",
    "chair": "commission_chair+commission_member",
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


def sign(here: Path, *roots: str, file: str = "parties.yaml", more: Iterable[str] = ()) -> int:
    keys = [argument for root in roots for argument in ("--key", str(private_key_file(here, root)))]
    return main(["parties", "sign", str(here / file), *keys, *more])


def written(here: Path, **changes: object) -> Path:
    """The organisation's parties file, unsigned."""
    path = here / "parties.yaml"
    path.write_text(parties_text(times.now(), **changes), encoding="utf-8")
    return path


def configured(here: Path, threshold: int = 2, minimum: int = 1) -> Path:
    """A configuration that trusts the first two root keys."""
    roots = "".join(f"    - {signing_key(root).key_id}\n" for root in ("root1", "root2"))
    path = here / "qaqpa.yaml"
    path.write_text(
        f"version: 1\nparties:\n  file: parties.signed.json\n  threshold: {threshold}\n"
        f"  minimum_version: {minimum}\n  roots:\n{roots}",
        encoding="utf-8",
    )
    return path


def in_force(here: Path, threshold: int = 2) -> Parties:
    roots = tuple(signing_key(root).key_id for root in ("root1", "root2"))
    return Trust(PartiesSource(here / "parties.signed.json", roots, threshold)).parties(times.now())


def test_what_init_writes_can_be_signed_and_is_then_in_force(here: Path) -> None:
    parties = made(here)
    assert set(parties.rules) == set(kinds()) - {WITHDRAWAL}, "a rule for every kind"
    assert parties.persons["chair"].roles == ("commission_chair", "commission_member")
    assert parties.persons["risk"].keys[0].id == signing_key("risk").key_id
    assert parties.named_by("dpo") == parties.persons["dpo"]
    assert sign(here, "root1", "root2") == 0
    assert in_force(here).persons.keys() == set(EVERYBODY)


def test_a_rule_that_nobody_could_fulfil_is_written_as_a_comment(here: Path) -> None:
    assert set(made(here, "dpo").rules) == {"legal_basis"}
    assert "  # audit:\n  #   roles: [auditor]" in (here / "parties.yaml").read_text("utf-8")


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


def test_check_has_nothing_to_say_about_a_good_file(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = written(here)
    configured(here)
    assert main(["parties", "check", str(path)]) == 0
    said = capsys.readouterr()
    first, *more = said.out.splitlines()
    assert first.endswith("persons 17, services 1, rules 13, root keys 3")
    assert more == ["Nothing is wrong with it."], "that nobody trusts root3 is no mistake"
    assert said.err == ""


@pytest.mark.parametrize(
    ("expires", "code", "found"),
    [(91, 2, "error: The parties file ends on"), (-1, 2, "error: The parties file ended on"), (5, 0, "ends soon")],
)
def test_check_says_when_the_end_does_not_fit(
    here: Path, capsys: pytest.CaptureFixture[str], expires: int, code: int, found: str
) -> None:
    path = written(here, expires=times.render(times.now() + timedelta(days=expires)))
    assert main(["parties", "check", str(path)]) == code
    assert found in capsys.readouterr().out


def test_check_warns_of_what_its_authors_may_not_have_meant(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    now = times.now()
    value = organisation(now)
    soon, past = times.render(now + timedelta(days=10)), times.render(now - timedelta(days=1))
    person(value, "trainer")["keys"] = [key_entry(now, "trainer", valid_until=soon)]
    person(value, "dpo")["keys"] = [key_entry(now, "dpo", revoked={"at": past, "reason": "left"})]
    person(value, "oversight")["keys"] = [key_entry(now, "oversight", valid_until=past)]
    value["rules"]["audit"] = {"roles": ["auditor"], "max_age_days": 90, "independent_of": ["trainer", "deployer"]}
    del value["rules"]["bias"]
    path = here / "parties.yaml"
    path.write_text(to_yaml(value), encoding="utf-8")
    assert main(["parties", "check", str(path)]) == 0
    warnings = [line for line in capsys.readouterr().out.split("\n") if line.startswith("warning: ")]
    assert [warning.split(";")[0] for warning in warnings] == [
        f"warning: The key {signing_key('trainer').key_id} of trainer ends soon, on {soon}.",
        "warning: The rule for audit lacks independent_of: owner, other_unit: true",
        "warning: Nobody can fulfil the rule for legal_basis: 1 must sign, and 0 with one of the roles dpo have a "
        "valid key.",
        "warning: Nobody can fulfil the rule for oversight: 1 must sign, and 0 with one of the roles oversight_lead "
        "have a valid key.",
        "warning: There is no rule for bias",
    ]


def test_check_says_which_line_is_broken(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = written(here)
    path.write_text(path.read_text("utf-8").replace("- dpo\n", "- boss\n", 1), encoding="utf-8")
    line = path.read_text("utf-8").split("\n").index("  - boss") + 1
    assert main(["parties", "check", str(path)]) == 2
    assert f"{path}:{line}:5: parties.5.roles.0" in capsys.readouterr().err


def test_check_compares_with_what_the_configuration_trusts(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = written(here, root_keys=[public_line("root1"), public_line("root3")])
    configured(here, minimum=2)
    assert main(["parties", "check", str(path)]) == 2
    out = capsys.readouterr().out
    assert "error: The configuration asks for version 2 or higher." in out
    assert "error: 2 trusted root keys must sign, and root_keys holds 1 of them" in out


def test_check_warns_of_a_trusted_root_whose_signature_could_not_count(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = written(here, root_keys=[public_line("root1")])
    configured(here, threshold=1)
    assert main(["parties", "check", str(path)]) == 0
    lacking = f"warning: root_keys lacks the trusted root key {signing_key('root2').key_id}"
    assert lacking in capsys.readouterr().out


def test_signatures_are_added_one_by_one(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    written(here)
    assert sign(here, "root1") == 0
    assert "1 of the 3 listed root keys have signed" in capsys.readouterr().out
    assert in_force(here, threshold=1)
    assert sign(here, "root2") == 0
    out = capsys.readouterr().out
    assert "2 of the 3 listed root keys have signed" in out
    assert f"  {signing_key('root3').key_id}  has not signed" in out
    assert in_force(here).version == 1
    assert sign(here, "root2") == 0, "again changes nothing"
    assert "2 of the 3" in capsys.readouterr().out


def test_a_higher_version_replaces_an_older_one_with_its_signatures(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    written(here)
    sign(here, "root1", "root2")
    written(here, version=2)
    capsys.readouterr()
    assert sign(here, "root1") == 0
    assert "1 of the 3 listed root keys have signed" in capsys.readouterr().out
    assert in_force(here, threshold=1).version == 2


@pytest.mark.parametrize(
    ("changes", "found"),
    [({"version": 3, "services": None}, "has the version 3 too"), ({"version": 2}, "has the higher version 3")],
)
def test_the_same_version_with_other_bytes_and_a_lower_one_are_not_written(
    here: Path, changes: dict[str, object], found: str, capsys: pytest.CaptureFixture[str]
) -> None:
    written(here, version=3)
    sign(here, "root1", "root2")
    before = (here / "parties.signed.json").read_bytes()
    written(here, **changes)
    assert sign(here, "root1", "root2") == 2
    assert found in capsys.readouterr().err
    assert (here / "parties.signed.json").read_bytes() == before


def test_a_key_that_is_no_root_key_does_not_sign(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    written(here)
    assert sign(here, "root1", "risk") == 2
    assert f"The key {signing_key('risk').key_id} is no root key of this file" in capsys.readouterr().err
    assert not (here / "parties.signed.json").exists()


def test_without_a_key_nothing_is_signed(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    written(here)
    assert sign(here) == 2
    assert "No key is named" in capsys.readouterr().err


@pytest.mark.parametrize("days", [-1, 91])
def test_what_could_not_be_in_force_is_not_signed(here: Path, days: int) -> None:
    written(here, expires=times.render(times.now() + timedelta(days=days)))
    assert sign(here, "root1") == 2
    assert not (here / "parties.signed.json").exists()


def test_what_is_no_parties_file_is_not_replaced(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    written(here)
    (here / "parties.signed.json").write_text("mine", encoding="utf-8")
    assert sign(here, "root1") == 2
    assert "is not replaced" in capsys.readouterr().err
    assert (here / "parties.signed.json").read_text("utf-8") == "mine"


def test_the_signed_file_can_lie_elsewhere_and_leaves_nothing_beside_it(here: Path) -> None:
    written(here)
    (here / "out").mkdir()
    assert sign(here, "root1", more=["--output", str(here / "out" / "p.json")]) == 0
    assert [path.name for path in (here / "out").iterdir()] == ["p.json"]
    assert (here / "out" / "p.json").stat().st_mode & 0o777 == 0o644
    assert sign(here, "root1", more=["--output", str(here / "nowhere" / "p.json")]) == 2


def test_the_very_bytes_are_signed_comments_and_all(here: Path) -> None:
    path = written(here)
    path.write_bytes(b"\xef\xbb\xbf# by hand\r\n" + path.read_bytes())
    assert sign(here, "root1", "root2") == 0
    assert in_force(here)


def test_show_says_what_is_in_force(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    now = times.now()
    value = organisation(now)
    past, later = (times.render(now + timedelta(days=days)) for days in (-5, 5))
    dpo = [key_entry(now, "dpo", revoked={"at": past, "reason": "compromise"}), key_entry(now, "dpo", 1)]
    person(value, "dpo")["keys"] = dpo
    person(value, "risk2")["keys"] = [key_entry(now, "risk2", valid_from=later)]
    person(value, "peer")["keys"] = []
    trusted(here, now, text=to_yaml(value))
    configured(here)
    assert main(["parties", "show"]) == 0
    out = capsys.readouterr().out
    assert f"version 1, until {value['expires']}" in out
    assert "\nin force: 2 of 2 trusted root keys signed it; required: 2\n" in out
    assert f"{signing_key('root1').key_id}  signed, trusted" in out
    assert f"{signing_key('root3').key_id}  has not signed, not trusted" in out
    assert "auditor: unit audit; roles auditor; disciplines fairness, security; logins auditor" in out
    assert f"{signing_key('dpo').key_id}  revoked on {past} (compromise)" in out
    assert f"{signing_key('dpo', 1).key_id}  valid until" in out
    assert f"{signing_key('risk2').key_id}  not valid before {later}" in out
    assert "no key, so signs nothing" in out
    assert "ci: unit platform; logins ci; operators deployer" in out
    audit = (
        "audit: 1 with a role of auditor; independent of trainer, owner, deployer; of another unit; at most 180 days"
    )
    assert audit in out


def test_show_without_configuration_says_that_nothing_was_compared(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = trusted(here, times.now())
    assert main(["parties", "show", str(source.file)]) == 0
    out = capsys.readouterr().out
    assert "Signatures were not compared with trusted roots" in out
    assert "in force" not in out
    assert ", trusted" not in out


def test_show_says_why_a_file_is_not_in_force(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    trusted(here, times.now(), roots=("root1",))
    configured(here)
    assert main(["parties", "show"]) == 4
    said = capsys.readouterr()
    assert "NOT IN FORCE: 1 of the trusted root keys signed the parties file (parties_signatures)" in said.out
    assert "required: signatures of 2 of" in said.err


def test_show_looks_at_another_file_without_remembering_its_version(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    configured(here)
    trusted(here, times.now(), text=parties_text(times.now(), version=9))
    (here / "parties.signed.json").rename(here / "draft.json")
    trusted(here, times.now())
    assert main(["parties", "show", "draft.json"]) == 0
    assert "in force" in capsys.readouterr().out
    assert main(["parties", "show"]) == 0, "version 9 was only looked at"


def test_show_reads_signed_files_only(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["parties", "show", str(written(here))]) == 4
    assert "no signed parties file" in capsys.readouterr().err
    assert main(["parties", "show", "nowhere"]) == 4
    assert main(["parties", "show"]) == 2


def test_hostile_logins_reach_no_terminal(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    now = times.now()
    value = organisation(now)
    person(value, "dpo")["identities"][0]["name"] = "dpo\x1b[31m\u202e\nin force"
    source = trusted(here, now, text=to_yaml(value))
    assert main(["parties", "show", str(source.file)]) == 0
    out = capsys.readouterr().out
    assert "\x1b" not in out
    assert "\u202e" not in out
    assert "\nin force" not in out
