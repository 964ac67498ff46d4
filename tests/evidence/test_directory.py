# SPDX-License-Identifier: Apache-2.0
"""A directory as something to judge."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
import yaml

from qaqpa.documents import DocumentError
from qaqpa.errors import UsageError
from qaqpa.evidence.collect import collect
from qaqpa.evidence.digest import DigestError, dir_hash
from qaqpa.evidence.directory import read_directory, read_draft
from qaqpa.model import Stage
from support.contents import MODEL, contents, context
from support.statements import NOW, payload

ALL = contents(NOW)


def filled(root: Path, **context_changes: object) -> Path:
    (root / "evidence").mkdir(parents=True)
    (root / "context.yaml").write_text(yaml.safe_dump(context(**context_changes)), encoding="utf-8")
    for name, content in ALL.items():
        (root / "evidence" / f"{name}.yaml").write_text(yaml.safe_dump(content), encoding="utf-8")
    return root


def test_context_and_drafts_are_read(tmp_path: Path) -> None:
    directory = read_directory(filled(tmp_path))
    assert (directory.subject.name, directory.subject.version, directory.subject.digest) == (MODEL, "", None)
    assert [piece.kind for piece in directory.carried] == ["system", *sorted(ALL)]
    assert all(piece.draft for piece in directory.carried)
    collected = collect(directory.carried, directory.subject, Stage.REVIEW, NOW)
    assert (collected.rejected, len(collected.evidence)) == ([], len(ALL) + 1)


def test_the_model_is_hashed_where_it_is_there(tmp_path: Path) -> None:
    (filled(tmp_path) / "model").mkdir()
    with pytest.raises(DigestError, match="no file"):
        read_directory(tmp_path)
    (tmp_path / "model" / "MLmodel").write_text("x", encoding="utf-8")
    assert read_directory(tmp_path).subject.digest == dir_hash(tmp_path / "model")


def test_the_subject_is_the_first_registered_model_that_the_context_names(tmp_path: Path) -> None:
    models = [{"name": MODEL, "workspace": "team", "created": 5}, {"name": "second"}]
    directory = read_directory(filled(tmp_path, models=models))
    assert (directory.subject.workspace, directory.subject.created_ms) == ("team", 5)
    assert collect(directory.carried, directory.subject, Stage.REVIEW, NOW).context is not None


def test_statements_are_told_from_drafts(tmp_path: Path) -> None:
    statement = payload(ALL["audit"])
    evidence = filled(tmp_path) / "evidence"
    (evidence / "signed.json").write_bytes(statement)
    (evidence / "draft.json").write_text(json.dumps(ALL["audit"]), encoding="utf-8")
    carried = {Path(piece.source).name: piece for piece in read_directory(tmp_path).carried}
    assert (carried["signed.json"].text, carried["signed.json"].draft) == (statement.decode(), False)
    assert carried["draft.json"].draft


def test_without_context_the_directory_gives_the_name(tmp_path: Path) -> None:
    root = filled(tmp_path / "my-model")
    (root / "context.yaml").unlink()
    assert read_directory(root).subject.name == "my-model"


def test_hidden_files_are_passed_over_and_other_files_are_not(tmp_path: Path) -> None:
    evidence = filled(tmp_path) / "evidence"
    (evidence / ".gitkeep").write_text("", encoding="utf-8")
    read_directory(tmp_path)
    (evidence / "audit.pdf").write_text("", encoding="utf-8")
    with pytest.raises(UsageError, match="not an evidence file"):
        read_directory(tmp_path)


@pytest.mark.parametrize("make", [Path.mkdir, os.mkfifo])
def test_what_is_no_file_is_no_evidence(tmp_path: Path, make: object) -> None:
    make(filled(tmp_path) / "evidence" / "audit2.yaml")
    with pytest.raises(UsageError, match="not an evidence file"):
        read_directory(tmp_path)


def test_a_directory_that_is_missing_or_holds_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such directory"):
        read_directory(tmp_path / "none")
    with pytest.raises(UsageError, match="neither context"):
        read_directory(tmp_path)
    (tmp_path / "evidence").mkdir()
    with pytest.raises(UsageError, match="neither context"):
        read_directory(tmp_path)


@pytest.mark.parametrize(
    ("name", "text", "where", "found"),
    [
        ("context.yaml", "kind: audit\n", "1:7", "of kind 'audit'"),
        ("context.yaml", "a: [\n", "2:1", "not YAML"),
        ("evidence/a.yaml", "- 1\n", "1:1", "does not say its kind"),
        ("evidence/a.yaml", "kind: 5\n", "1:1", "does not say its kind"),
        ("evidence/a.yaml", "x: 1\nkind: absolution\n", "2:7", "no kind of evidence 'absolution'"),
        ("evidence/a.json", '{"kind":\n "absolution"}', "2:2", "no kind of evidence 'absolution'"),
        ("evidence/a.json", '{"_type": "https://in-toto.io/Statement/v0.1"}', "1:1", "does not say its kind"),
    ],
)
def test_a_broken_file_is_refused_with_its_place(tmp_path: Path, name: str, text: str, where: str, found: str) -> None:
    path = filled(tmp_path) / name
    path.write_text(text, encoding="utf-8")
    with pytest.raises(DocumentError, match=found) as caught:
        read_directory(tmp_path)
    assert caught.value.where == f"{path}:{where}"


def test_a_draft_must_be_of_the_kind_that_was_named(tmp_path: Path) -> None:
    filled(tmp_path)
    assert read_draft(tmp_path / "evidence" / "audit.yaml", "audit").value == ALL["audit"]
    with pytest.raises(DocumentError, match="of kind 'audit'"):
        read_draft(tmp_path / "evidence" / "audit.yaml", "bias")


@pytest.mark.parametrize("name", ["context.yaml", "evidence/audit.yaml", "evidence"])
def test_links_are_not_followed(tmp_path: Path, name: str) -> None:
    root = filled(tmp_path / "judged")
    elsewhere = (root / name).rename(tmp_path / "elsewhere")
    (root / name).symlink_to(elsewhere)
    with pytest.raises(UsageError, match="symbolic link") as caught:
        read_directory(root)
    assert caught.value.where == str(root / name)


def test_a_file_larger_than_evidence_can_be_is_not_read(tmp_path: Path) -> None:
    root = filled(tmp_path)
    (root / "evidence" / "z.json").write_text('{"payloadType": [' + "1," * 60_000 + "1]}", encoding="utf-8")
    with pytest.raises(UsageError, match="too large for evidence"):
        read_directory(root)
