# SPDX-License-Identifier: Apache-2.0
"""`qaqpa attest`: from drafts to signed evidence that counts for one model."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from qaqpa import times
from qaqpa.cli.main import main
from qaqpa.evidence.digest import dir_hash
from qaqpa.evidence.kinds import kind, kinds
from qaqpa.evidence.pieces import read_statement
from qaqpa.evidence.statement import context_digest, make_statement
from support.contents import contents, context
from support.directories import keys_of, sign, signed_system, write_system, write_trust, write_yaml
from support.keyring import signing_key

Capture = pytest.CaptureFixture[str]
UNSIGNED: list[str] = []


@pytest.fixture
def system(here: Path) -> Path:
    write_trust(here)
    return signed_system(here / "system")


def outcome(capsys: Capture, root: Path, *more: str) -> tuple[int, dict[str, str], set[tuple[str, str]]]:
    capsys.readouterr()
    code = main(["check", str(root), "--stage", "production", "--format", "json", *more])
    document = json.loads(capsys.readouterr().out)["decision"]
    found = {finding["control"]: finding["status"] for finding in document["findings"]}
    return code, found, {(refusal["kind"], refusal["code"]) for refusal in document["rejected"]}


def test_what_is_signed_counts_in_production(system: Path, capsys: Capture) -> None:
    code, found, rejected = outcome(capsys, system)
    assert (code, set(found.values())) == (0, {"pass"})
    assert rejected == {("system", "draft")}, "the context beside its statement is a draft"


def test_what_nobody_signed_says_so_and_does_not_count_in_production(here: Path, capsys: Capture) -> None:
    write_trust(here)
    root = write_system(here / "system")
    assert sign(root, "audit", root / "evidence" / "audit.yaml", signers=UNSIGNED) == 0
    assert "nobody signed it, and it will not count in production" in capsys.readouterr().out
    code, found, _ = outcome(capsys, root)
    assert (code, found["AUD-01"]) == (3, "fail")


def test_a_changed_byte_voids_what_is_about_the_model(system: Path, capsys: Capture) -> None:
    (system / "model" / "MLmodel").write_text("flavors: {x}\n", encoding="utf-8")
    code, found, rejected = outcome(capsys, system)
    failed = {control for control, status in found.items() if status == "fail"}
    assert (code, failed) == (3, {"ACC-02", "AUD-01", "NDQ-01", "NDQ-02", "SRS-02", "TRN-01", "TRN-02"})
    about_model = {name for name, own in kinds().items() if "model" in own.binds} - {"waiver", "override"}
    assert {kind for kind, reason in rejected if reason == "other_model"} == about_model


def test_a_changed_context_voids_what_is_about_the_system(system: Path, capsys: Capture) -> None:
    write_yaml(system / "context.yaml", context(version=2))
    assert sign(system, "system", system / "context.yaml", "--output", "s2.json") == 0
    Path("s2.json").rename(system / "evidence" / "s2.json")
    code, found, _ = outcome(capsys, system)
    passed = {control for control, status in found.items() if status == "pass"}
    assert (code, passed) == (3, {"NDQ-01", "NDQ-02", "SRS-02", "TRN-01", "TRN-02"}), (
        "what is about the model alone survives"
    )


def test_a_signer_sees_what_was_signed(here: Path, capsys: Capture) -> None:
    write_trust(here)
    root = write_system(here / "system")
    tomorrow, day_after = (times.now().date() + timedelta(days=days) for days in (1, 2))
    assert sign(root, "audit", root / "evidence" / "audit.yaml", "--expires", str(tomorrow)) == 0
    captured = capsys.readouterr()
    statement, envelope = read_statement((root / "evidence" / "audit.json").read_text("utf-8"))
    digest = dir_hash(root / "model")
    assert (statement.model_digest, statement.context_digest) == (digest, context_digest(context()))
    assert times.render(statement.expires_at or times.now()) == f"{day_after}T00:00:00Z", "to the end of its last day"
    assert envelope
    auditor = signing_key("auditor").key_id
    for told in (digest, context_digest(context()), statement.id, f"{auditor} (listed as a key of auditor)"):
        assert told in captured.out
    assert "audit about credit with 1 signature, 1 made now" in captured.out
    assert "does not count in production yet" in captured.out
    assert "signed the context that this is about" in captured.err


def test_others_add_their_signatures_to_exactly_the_same_payload(here: Path, capsys: Capture) -> None:
    write_trust(here)
    root = write_system(here / "system")
    draft = str(root / "evidence" / "audit.yaml")
    common = ["--model", str(root), "--no-upload"]
    assert main(["attest", "audit", draft, *common, *keys_of(here, ["auditor"])]) == 0
    [made] = here.glob("audit.*.json")
    first, _ = read_statement(made.read_text("utf-8"))
    assert made.name == f"audit.{first.id[:16]}.json"
    capsys.readouterr()
    assert main(["attest", "audit", str(made), *common, *keys_of(here, ["auditor2"])]) == 0
    captured = capsys.readouterr()
    assert '"conclusion": "positive"' in captured.err, "whoever signs what others wrote sees it before"
    assert "conclusion: positive" in captured.out
    second, envelope = read_statement(made.read_text("utf-8"))
    assert envelope
    assert second.id == first.id
    assert {key_id for key_id, _ in envelope.signatures} == {
        signing_key(name).key_id for name in ("auditor", "auditor2")
    }


def test_nobody_signs_a_statement_about_something_else(system: Path, here: Path, capsys: Capture) -> None:
    made = str(system / "evidence" / "audit.json")
    options = ["--model", str(system), "--output", "o.json", *keys_of(here, ["auditor2"])]
    assert main(["attest", "bias", made, *options]) == 2
    assert "The statement is of kind 'audit'" in capsys.readouterr().err
    assert main(["attest", "audit", made, *options, "--expires", "2099-01-01"]) == 2
    signed = dir_hash(system / "model")
    (system / "model" / "MLmodel").write_text("flavors: {x}\n", encoding="utf-8")
    assert main(["attest", "audit", made, *options]) == 2
    assert f"is about the model digest {signed}" in capsys.readouterr().err
    assert not (here / "o.json").exists()


def test_an_altered_envelope_is_not_signed(system: Path, here: Path, capsys: Capture) -> None:
    made = system / "evidence" / "audit.json"
    made.write_text(made.read_text("utf-8").replace('"payload":"', '"payload":"AAAA'), encoding="utf-8")
    assert main(["attest", "audit", str(made), "--model", str(system), "--no-upload", *keys_of(here, ["auditor"])]) == 2
    assert "required: a statement, or an envelope of one" in capsys.readouterr().err


def test_everybody_who_signed_can_take_it_back(system: Path, capsys: Capture) -> None:
    statement, _ = read_statement((system / "evidence" / "audit.json").read_text("utf-8"))
    draft = system.parent / "withdrawal.yaml"
    write_yaml(draft, {"kind": "withdrawal", "statement": statement.id, "reason": "A mistake"})
    assert sign(system, "withdrawal", draft, signers=["auditor"]) == 0
    assert "Seen from here, it counts." in capsys.readouterr().out
    code, found, rejected = outcome(capsys, system)
    assert (code, found["AUD-01"]) == (3, "fail")
    assert ("audit", "withdrawn") in rejected
    write_yaml(draft, {"kind": "withdrawal", "statement": "0" * 64, "reason": "A mistake"})
    assert sign(system, "withdrawal", draft, "--output", "other.json", signers=["auditor"]) == 2
    assert "has no statement 0000" in capsys.readouterr().err


def test_nobody_can_take_back_what_others_signed(system: Path, capsys: Capture) -> None:
    statement, _ = read_statement((system / "evidence" / "audit.json").read_text("utf-8"))
    draft = system.parent / "withdrawal.yaml"
    write_yaml(draft, {"kind": "withdrawal", "statement": statement.id, "reason": "I do not like it"})
    assert sign(system, "withdrawal", draft, signers=["owner"]) == 2
    assert "Required: a key of auditor" in capsys.readouterr().err.replace("required: ", "Required: ")
    assert not list((system / "evidence").glob("withdrawal*"))


def test_an_expired_statement_is_refused(system: Path, capsys: Capture) -> None:
    (system / "evidence" / "audit.json").unlink()
    fresh = write_system(system.parent / "fresh")
    tomorrow = times.now() + timedelta(days=1)
    assert sign(system, "audit", fresh / "evidence" / "audit.yaml", "--expires", times.render(tomorrow)) == 0
    assert outcome(capsys, system)[0] == 0
    code, found, rejected = outcome(capsys, system, "--as-of", times.render(tomorrow))
    assert (code, found["AUD-01"]) == (3, "fail")
    assert ("audit", "expired") in rejected


AUDIT = ["audit", "system/evidence/audit.yaml", "--model", "system"]


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        (["nonsense", *AUDIT[1:], "--output", "o"], "no kind of evidence"),
        (["bias", *AUDIT[1:], "--output", "o"], "audit.yaml:1:7: The file is of"),
        (["audit", "none.yaml", "--model", "system", "--output", "o"], "none.yaml: The file cannot be read"),
        ([*AUDIT[:3], "none", "--output", "o"], "no such directory"),
        (AUDIT, "Add --output PATH or --no-upload"),
        ([*AUDIT, "--output", "none/o"], "cannot be written"),
        ([*AUDIT, "--output", "o", "--expires", "2020-01-01"], "lies in the past"),
        ([*AUDIT, "--output", "o", "--expires", "soon"], "--expires: 'soon' is neither"),
        ([*AUDIT, "--output", "o", "--stage", "production"], "names no stage"),
        ([*AUDIT, "--output", "o", "--key", "none"], "none"),
        (["waiver", "waiver.yaml", "--model", "system", "--output", "o"], "is for one stage"),
        (["waiver", "waiver.yaml", "--model", "system", "--output", "o", "--stage", "production"], "has to end"),
        (
            [
                *("waiver", "waiver.yaml", "--model", "system", "--output", "o", "--stage", "staging"),
                *("--expires", str(times.now().date() + timedelta(days=31))),
            ],
            "longer than 30 days",
        ),
    ],
)
def test_what_cannot_be_attested_exits_with_2_and_writes_nothing(
    here: Path, capsys: Capture, arguments: list[str], found: str
) -> None:
    write_system(here / "system")
    waiver = {"kind": "waiver", "controls": ["TRN-01"], "category": "waiver", "reason": "r", "ticket": "t"}
    write_yaml(here / "waiver.yaml", {**waiver, "requested_by": "owner"})
    assert main(["attest", *arguments]) == 2
    assert found in capsys.readouterr().err
    assert not (here / "o").exists()


def test_a_file_with_something_else_is_never_replaced(here: Path, capsys: Capture) -> None:
    root = write_system(here / "system")
    assert sign(root, "audit", root / "evidence" / "audit.yaml") == 0
    before = (root / "evidence" / "audit.json").read_bytes()
    other = str(times.now().date() + timedelta(days=9))
    assert sign(root, "audit", root / "evidence" / "audit.yaml", "--expires", other) == 2
    assert "The file exists already" in capsys.readouterr().err
    assert (root / "evidence" / "audit.json").read_bytes() == before
    assert sorted(path.name for path in (root / "evidence").glob(".*")) == []


def test_evidence_about_a_model_needs_its_bytes_and_about_a_system_its_context(here: Path, capsys: Capture) -> None:
    root = write_system(here / "system")
    (root / "model" / "MLmodel").rename(root / "MLmodel")
    (root / "model").rmdir()
    assert sign(root, "bias", root / "evidence" / "bias.yaml") == 2
    assert "needs the model's bytes" in capsys.readouterr().err
    (root / "context.yaml").unlink()
    assert sign(root, "legal_basis", root / "evidence" / "legal_basis.yaml") == 2
    assert "Attest the context first" in capsys.readouterr().err


def test_a_context_that_does_not_name_the_model_is_not_attested(here: Path, capsys: Capture) -> None:
    root = write_system(here / "system")
    write_yaml(here / "other.yaml", context(models=[{"name": "other"}]))
    assert sign(root, "system", here / "other.yaml") == 2
    assert "does not name the registered model credit" in capsys.readouterr().err


def test_a_context_that_a_higher_version_outdates_is_told(system: Path, here: Path, capsys: Capture) -> None:
    write_yaml(here / "other.yaml", context(affects_rights=False))
    assert sign(system, "system", here / "other.yaml", "--output", "o.json") == 0
    assert "so one of version 1 will not hold" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"issued_at": times.now() + timedelta(hours=1)}, "in the future"),
        ({"registered_model": "other"}, "about the registered model other"),
    ],
)
def test_what_somebody_else_made_is_not_signed_blindly(
    system: Path, capsys: Capture, changes: dict[str, Any], said: str
) -> None:
    content = contents(times.now())["audit"]
    about = {"registered_model": "credit", "issued_at": times.now(), **changes}
    made = make_statement(
        kind("audit"),
        content,
        model_digest=dir_hash(system / "model"),
        context_digest=context_digest(context()),
        **about,
    )
    (system.parent / "made.json").write_bytes(made)
    assert sign(system, "audit", system.parent / "made.json", signers=["auditor"]) == 2
    assert said in capsys.readouterr().err
