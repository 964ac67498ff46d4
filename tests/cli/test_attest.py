# SPDX-License-Identifier: Apache-2.0
"""`qaqpa attest` and `qaqpa digest`: from drafts to evidence that counts for one model."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest

from qaqpa import times
from qaqpa.cli.main import main
from qaqpa.evidence.digest import dir_hash
from qaqpa.evidence.kinds import kinds
from qaqpa.evidence.statement import context_digest
from support.contents import context
from support.directories import write_system, write_yaml

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def system(here: Path) -> Path:
    """A directory in which everything is attested and no draft is left but the context."""
    return attested(write_system(here / "system"))


def attested(root: Path) -> Path:
    drafts = sorted((root / "evidence").iterdir())
    for draft in drafts:
        assert attest(root, draft.stem, draft) == 0
    assert attest(root, "system", root / "context.yaml") == 0
    for draft in drafts:
        draft.unlink()
    return root


def attest(root: Path, kind: str, draft: Path, *more: str) -> int:
    target = str(root / "evidence" / f"{kind}.json")
    return main(["attest", kind, str(draft), "--model", str(root), "--output", target, *more])


def outcome(capsys: Capture, root: Path, *more: str) -> tuple[int, dict[str, str], set[tuple[str, str]]]:
    capsys.readouterr()
    code = main(["check", str(root), "--stage", "production", "--format", "json", *more])
    document = json.loads(capsys.readouterr().out)["decision"]
    found = {finding["control"]: finding["status"] for finding in document["findings"]}
    return code, found, {(refusal["kind"], refusal["code"]) for refusal in document["rejected"]}


def test_what_is_attested_counts_in_production(system: Path, capsys: Capture) -> None:
    code, found, rejected = outcome(capsys, system)
    assert code == 0
    assert set(found.values()) == {"pass"}
    assert rejected == {("system", "draft")}, "the context beside its statement is a draft"


def test_a_changed_byte_voids_what_is_about_the_model(system: Path, capsys: Capture) -> None:
    (system / "model" / "MLmodel").write_text("flavors: {x}\n", encoding="utf-8")
    code, found, rejected = outcome(capsys, system)
    assert code == 3
    failed = {control for control, status in found.items() if status == "fail"}
    assert failed == {"AUD-01", "NDQ-02", "TRN-01", "TRN-02"}
    about_model = {name for name, own in kinds().items() if "model" in own.binds}
    assert {kind for kind, reason in rejected if reason == "other_model"} == about_model


def test_a_changed_context_voids_what_is_about_the_system(system: Path, capsys: Capture) -> None:
    write_yaml(system / "context.yaml", context(version=2))
    assert main(["attest", "system", str(system / "context.yaml"), "--model", str(system), "--output", "s2.json"]) == 0
    Path("s2.json").rename(system / "evidence" / "s2.json")
    code, found, _ = outcome(capsys, system)
    assert code == 3
    passed = {control for control, status in found.items() if status == "pass"}
    assert passed == {"NDQ-02", "TRN-01", "TRN-02"}, "what is about the model alone survives"


def test_a_statement_names_bytes_and_context_and_ends_when_it_was_told(here: Path, capsys: Capture) -> None:
    root = write_system(here / "system")
    today = times.now().date()
    tomorrow, day_after = (today + timedelta(days=days) for days in (1, 2))
    assert attest(root, "audit", root / "evidence" / "audit.yaml", "--expires", str(tomorrow)) == 0
    assert "statement of kind audit about credit" in capsys.readouterr().out
    statement = json.loads((root / "evidence" / "audit.json").read_bytes())
    digest = dir_hash(root / "model")
    assert statement["subject"] == [{"name": "credit", "digest": {"dirHash": digest, "sha256": digest}}]
    assert statement["predicate"]["contextDigest"] == context_digest(context())
    assert statement["predicate"]["expiresAt"] == f"{day_after}T00:00:00Z", "to the end of its last day"
    assert "kind" not in statement["predicate"]["content"]


def test_an_expired_statement_is_refused(system: Path, capsys: Capture) -> None:
    draft = system / "audit.yaml"
    (system / "evidence" / "audit.json").unlink()
    fresh = write_system(system.parent / "fresh")
    (fresh / "evidence" / "audit.yaml").rename(draft)
    tomorrow = times.now() + timedelta(days=1)
    assert attest(system, "audit", draft, "--expires", times.render(tomorrow)) == 0
    assert outcome(capsys, system)[0] == 0
    code, found, rejected = outcome(capsys, system, "--as-of", times.render(tomorrow))
    assert (code, found["AUD-01"]) == (3, "fail")
    assert ("audit", "expired") in rejected


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        (["nonsense", "system/evidence/audit.yaml", "--model", "system", "--output", "o"], "no kind of evidence"),
        (
            ["bias", "system/evidence/audit.yaml", "--model", "system", "--output", "o"],
            "audit.yaml:1:7: The file is of",
        ),
        (["audit", "none.yaml", "--model", "system", "--output", "o"], "none.yaml: The file cannot be read"),
        (["audit", "system/evidence/audit.yaml", "--model", "none", "--output", "o"], "no such directory"),
        (["audit", "system/evidence/audit.yaml", "--model", "system"], "Add --output PATH"),
        (["audit", "system/evidence/audit.yaml", "--model", "system", "--output", "none/o"], "cannot be written"),
        (
            ["audit", "system/evidence/audit.yaml", "--model", "system", "--output", "o", "--expires", "2020-01-01"],
            "lies in the past",
        ),
        (
            ["audit", "system/evidence/audit.yaml", "--model", "system", "--output", "o", "--expires", "soon"],
            "--expires: 'soon' is neither",
        ),
    ],
)
def test_what_cannot_be_attested_exits_with_2_and_writes_nothing(
    here: Path, capsys: Capture, arguments: list[str], found: str
) -> None:
    write_system(here / "system")
    assert main(["attest", *arguments]) == 2
    assert found in capsys.readouterr().err
    assert not (here / "o").exists()


def test_a_file_is_never_replaced(here: Path, capsys: Capture) -> None:
    root = write_system(here / "system")
    assert attest(root, "audit", root / "evidence" / "audit.yaml") == 0
    before = (root / "evidence" / "audit.json").read_bytes()
    assert attest(root, "audit", root / "evidence" / "audit.yaml") == 2
    assert "The file exists already" in capsys.readouterr().err
    assert (root / "evidence" / "audit.json").read_bytes() == before


def test_evidence_about_a_model_needs_its_bytes_and_about_a_system_its_context(here: Path, capsys: Capture) -> None:
    root = write_system(here / "system")
    (root / "model" / "MLmodel").rename(root / "MLmodel")
    (root / "model").rmdir()
    assert attest(root, "bias", root / "evidence" / "bias.yaml") == 2
    assert "needs the model's bytes" in capsys.readouterr().err
    (root / "context.yaml").unlink()
    assert attest(root, "legal_basis", root / "evidence" / "legal_basis.yaml") == 2
    assert "Attest the context first" in capsys.readouterr().err


def test_a_context_that_does_not_name_the_model_is_not_attested(here: Path, capsys: Capture) -> None:
    root = write_system(here / "system")
    write_yaml(here / "other.yaml", context(models=[{"name": "other"}]))
    assert attest(root, "system", here / "other.yaml") == 2
    assert "does not name the registered model credit" in capsys.readouterr().err


def test_digest_prints_the_model_digest(here: Path, capsys: Capture) -> None:
    root = write_system(here / "system")
    assert main(["digest", str(root / "model")]) == 0
    assert capsys.readouterr().out == f"{dir_hash(root / 'model')}\n"


def test_digest_of_nothing_exits_with_4(here: Path, capsys: Capture) -> None:
    (here / "empty").mkdir()
    assert main(["digest", "empty"]) == 4
    assert main(["digest", "none"]) == 4
    out, err = capsys.readouterr()
    assert out == ""
    assert "empty: There is no file to hash" in err
