# SPDX-License-Identifier: Apache-2.0
"""`qaqpa evidence`: what is there, who signed it, and what was refused and why."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from qaqpa.cli.main import main
from qaqpa.evidence.pieces import read_statement
from support.directories import sign, signed_system, write_system, write_trust
from support.keyring import signing_key

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def system(here: Path, capsys: Capture) -> Path:
    write_trust(here)
    root = signed_system(here / "system")
    capsys.readouterr()
    return root


def listed(capsys: Capture, *arguments: str) -> dict[str, Any]:
    capsys.readouterr()
    assert main(["evidence", "list", *arguments, "--format", "json"]) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def id_of(path: Path) -> str:
    return read_statement(path.read_text("utf-8"))[0].id


def test_the_list_says_what_counts_who_signed_and_what_was_refused(system: Path, capsys: Capture) -> None:
    assert main(["evidence", "list", "system", "--stage", "production"]) == 0
    out = capsys.readouterr().out
    audit = id_of(system / "evidence" / "audit.json")
    assert f"audit              {audit[:16]}  independent, until 2" in out
    assert "signed by auditor; " in out
    assert "draft: a draft, not attested" in out
    assert "To mend: " in out
    assert max(map(len, out.splitlines())) <= 100
    document = listed(capsys, str(system), "--stage", "production")
    assert {fact["kind"]: fact["signers"] for fact in document["counts"]}["audit"] == ["auditor"]
    assert [refusal["code"] for refusal in document["refused"]] == ["draft"]


def test_at_review_drafts_are_listed_as_declared(here: Path, capsys: Capture) -> None:
    write_system(here / "system")
    document = listed(capsys, "system")
    assert {fact["strength"] for fact in document["counts"]} == {"declared"}
    assert document["refused"] == []


def test_without_a_parties_file_nothing_that_is_signed_counts(system: Path, here: Path, capsys: Capture) -> None:
    (here / "qaqpa.yaml").write_text("version: 1\n", encoding="utf-8")
    document = listed(capsys, str(system), "--stage", "production")
    assert document["counts"] == []
    assert "no_parties" in {refusal["code"] for refusal in document["refused"]}


def test_a_parties_file_that_ended_is_told(system: Path, here: Path, capsys: Capture) -> None:
    write_trust(here, expires="2020-01-01T00:00:00Z")
    assert main(["evidence", "list", str(system)]) == 0
    assert "qaqpa: parties_expired: " in capsys.readouterr().err


def test_one_statement_is_shown_with_signatures_and_documents(system: Path, capsys: Capture) -> None:
    audit = id_of(system / "evidence" / "audit.json")
    assert main(["evidence", "show", str(system), audit[:8], "--stage", "production"]) == 0
    out = capsys.readouterr().out
    assert audit in out
    assert f"{signing_key('auditor').key_id}  auditor\n    counts, as independent" in out
    assert 'conclusion: "positive"' in out
    assert "report: https://example.org/audit.pdf" in out
    assert f"SHA-256 {'e' * 64}" in out
    assert max(map(len, out.splitlines())) <= 100


def test_each_signature_is_judged_by_itself(system: Path, capsys: Capture) -> None:
    made = system / "evidence" / "audit.json"
    assert sign(system, "audit", made, signers=["peer", "dpo", "nobody"]) == 0
    capsys.readouterr()
    assert main(["evidence", "show", str(system), id_of(made), "--stage", "production"]) == 0
    out = " ".join(capsys.readouterr().out.split())
    for key, verdict in (
        ("auditor", "auditor counts, as independent"),
        (
            "peer",
            "peer does not count: peer signed it and is of the unit lab, as the trainer of this model. [same_unit]",
        ),
        ("dpo", "dpo does not count: dpo signed it and is dpo; required: auditor. [wrong_role]"),
        ("nobody", "nobody known does not count: The parties file does not list this key. [untrusted_signature]"),
    ):
        assert f"{signing_key(key).key_id} {verdict}" in out


def test_a_refused_statement_is_shown_with_its_reason(system: Path, capsys: Capture) -> None:
    (system / "model" / "MLmodel").write_text("flavors: {x}\n", encoding="utf-8")
    bias = id_of(system / "evidence" / "bias.json")
    assert main(["evidence", "show", str(system), bias, "--stage", "production"]) == 0
    assert "does not count in production: It is about other model bytes. [other_model]" in capsys.readouterr().out


def test_a_withdrawal_is_listed(system: Path, here: Path, capsys: Capture) -> None:
    audit = id_of(system / "evidence" / "audit.json")
    draft = here / "w.yaml"
    draft.write_text(f"kind: withdrawal\nstatement: '{audit}'\nreason: A mistake\n", encoding="utf-8")
    assert sign(system, "withdrawal", draft, signers=["auditor"]) == 0
    capsys.readouterr()
    assert main(["evidence", "list", "system", "--stage", "production"]) == 0
    out = capsys.readouterr().out
    assert f"takes back {audit[:16]}\n    signed by auditor; " in out
    assert "withdrawn: taken back by everybody who signed it" in out


@pytest.mark.parametrize(("start", "found"), [("abc", "too short"), ("0" * 64, "There is no statement")])
def test_an_id_that_names_nothing_exits_with_2(system: Path, capsys: Capture, start: str, found: str) -> None:
    assert main(["evidence", "show", str(system), start]) == 2
    assert found in capsys.readouterr().err


def test_what_is_pulled_is_what_was_signed_and_counts_again(system: Path, here: Path, capsys: Capture) -> None:
    assert main(["evidence", "pull", str(system), "--to", "copy/evidence"]) == 0
    (system / "model").rename(here / "copy" / "model")
    (system / "context.yaml").rename(here / "copy" / "context.yaml")
    assert main(["check", "copy", "--stage", "production"]) == 0
    capsys.readouterr()
    assert main(["evidence", "pull", "copy", "--to", "copy/evidence"]) == 0, "the same files are left as they are"


def test_a_pull_overwrites_nothing_and_leaves_nothing_half_done(system: Path, here: Path, capsys: Capture) -> None:
    last = f"system.{id_of(system / 'evidence' / 'system.json')[:16]}.json"
    (here / "out").mkdir()
    (here / "out" / last).write_text("mine", encoding="utf-8")
    assert main(["evidence", "pull", str(system), "--to", "out"]) == 2
    assert "The file exists already" in capsys.readouterr().err
    assert [path.name for path in (here / "out").iterdir()] == [last]
    assert main(["evidence", "pull", str(system), "--to", "qaqpa.yaml/x"]) == 2
    assert "cannot be made" in capsys.readouterr().err


def test_hostile_text_is_escaped(system: Path, capsys: Capture) -> None:
    junk = system / "evidence" / "\x1b[31m.json"
    junk.write_text('{"payloadType":"\\u001b[31m","payload":"AA==","signatures":[]}', encoding="utf-8")
    for arguments in (["list"], ["pull", "--to", "out"]):
        assert main(["evidence", *arguments, str(system)]) == 0
        captured = capsys.readouterr()
        assert "\x1b" not in captured.out + captured.err
        assert "malformed" in captured.out + captured.err
