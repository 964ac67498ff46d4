# SPDX-License-Identifier: Apache-2.0
"""`qaqpa parties show`: what it says of a signed file is true, and harmless."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from qaqpa import times
from qaqpa.cli.main import main
from support.keyring import (
    key_entry,
    organisation,
    parties_text,
    person,
    signing_key,
    to_yaml,
    trusted,
)
from support.parties_files import configured, written


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
