# SPDX-License-Identifier: Apache-2.0
"""What somebody who can only open a pull request may try with the directories of models and their names."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from support.contents import context
from support.directories import write_yaml
from support.pull_requests import (
    Capture,
    PullRequest,
    edit,
    git,
    refused,
)

MILD = {"affects_rights": False, "significant_decision": False, "jurisdictions": ["KZ"]}


def test_the_directory_of_the_models_becomes_a_link(pull: PullRequest) -> None:
    pull.tree.rename(pull.top / "elsewhere")
    pull.tree.symlink_to("elsewhere")
    code, out, err = pull.said()
    assert (code, out) == (2, "")
    assert "symbolic link" in err


def test_the_directory_of_one_model_becomes_a_link(pull: PullRequest) -> None:
    shutil.move(pull.credit, pull.top / "elsewhere")
    pull.credit.symlink_to("../elsewhere")
    code, _, err = pull.said()
    assert code == 2
    assert "governance/credit: This is a symbolic link" in err


@pytest.mark.parametrize("name", ["context.yaml", "evidence"])
def test_a_part_of_a_model_becomes_a_link(pull: PullRequest, name: str) -> None:
    shutil.move(pull.credit / name, pull.top / name)
    (pull.credit / name).symlink_to(f"../../{name}")
    assert pull.said()[0] == 2


def test_the_models_become_a_repository_of_their_own(pull: PullRequest) -> None:
    git(pull.tree, "init", "--quiet", "--initial-branch=main")
    git(pull.tree, "add", "--all")
    git(pull.tree, "commit", "--quiet", "--message", "all is well")
    code, out, err = pull.said()
    assert (code, out) == (2, "")
    assert "another repository" in err
    assert pull.said(tree="governance/credit")[0] == 2
    (pull.tree / ".git").rename(pull.credit / ".git")
    assert "another repository inside the tree" in pull.said()[2]


def test_the_models_become_a_submodule_with_a_main_of_its_own(
    pull: PullRequest, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    elsewhere = tmp_path_factory.mktemp("theirs") / "elsewhere"
    shutil.move(pull.tree, elsewhere)
    git(elsewhere, "init", "--quiet", "--initial-branch=main")
    git(elsewhere, "add", "--all")
    git(elsewhere, "commit", "--quiet", "--message", "all is well")
    git(pull.top, "rm", "--quiet", "-r", "--cached", "governance")
    git(pull.top, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(elsewhere), "governance")
    pull.commit()
    assert pull.said()[0] == 2
    monkeypatch.chdir(pull.tree)
    code, _, err = pull.said(tree=".")
    assert code == 2
    assert "submodule" in err


def test_a_model_is_renamed_to_pass_for_new(pull: PullRequest) -> None:
    pull.credit.rename(pull.tree / "loans")
    edit(pull.tree / "loans" / "context.yaml", ('{"name": "credit"}', '{"name": "loans"}'))
    found = pull.check("--fail-on", "new")
    assert found.code == 3
    assert found.targets == ["governance/credit", "governance/loans"]
    assert found.new() == {("", "model_removed", "governance/credit", "deny")}


def test_a_model_is_taken_away_and_its_code_stays(here: Path, capsys: Capture) -> None:
    pull = PullRequest(here, capsys)
    pull.system()
    (here / "src").mkdir()
    (here / "src" / "score.py").write_text("x = 1\n", encoding="utf-8")
    (here / "qaqpa.yaml").write_text("version: 1\nreview: {code: {governance/credit: [src/**]}}\n", encoding="utf-8")
    pull.branch()
    shutil.rmtree(pull.credit)
    pull.tree.mkdir(exist_ok=True)
    found = pull.check("--fail-on", "new")
    assert (found.code, found.report()["decision"]["subject"]["name"]) == (3, "credit")
    shutil.rmtree(here / "src")
    found = pull.check("--fail-on", "any")
    assert (found.code, found.new()) == (0, {("", "model_removed", "governance/credit", "warn")})
    assert "governance/credit is gone, and so is its code" in found.err
    git(here, "rm", "--quiet", "-r", "--cached", "governance", "src")
    shutil.rmtree(pull.tree)
    found = pull.check("--fail-on", "new", "--staged")
    assert (found.code, found.new()) == (0, {("", "model_removed", "governance/credit", "warn")})
    assert "governance/credit is gone, and so is its code" in found.err


def test_the_whole_tree_is_taken_away(pull: PullRequest) -> None:
    shutil.rmtree(pull.tree)
    found = pull.check("--fail-on", "new")
    assert (found.code, found.new()) == (3, {("", "model_removed", "governance/credit", "deny")})
    assert "governance is gone, so the models that the base has there are judged as removed" in found.err
    pull.tree.write_text("", encoding="utf-8")
    assert pull.said("--fail-on", "new")[0] == 2


def test_a_tree_is_named_that_never_was_there(pull: PullRequest) -> None:
    code, out, err = pull.said("--fail-on", "new", tree="governence")
    assert (code, out) == (2, "")
    assert "governence: There is no such directory" in err


def test_the_context_is_taken_away_so_that_the_model_has_another_name(pull: PullRequest) -> None:
    (pull.credit / "context.yaml").unlink()
    refused(pull)


def test_a_second_directory_with_a_milder_context_speaks_for_the_same_model(here: Path, capsys: Capture) -> None:
    pull = PullRequest(here, capsys)
    pull.system()
    pull.branch()
    other = pull.system("credit-copy")
    milder = context(affects_rights=False, significant_decision=False, jurisdictions=["KZ"])
    write_yaml(other / "context.yaml", milder)
    found = pull.check("--fail-on", "new")
    assert found.code == 3
    assert ("", "model_twice", "credit", "deny") in found.new("governance/credit-copy")


def test_two_directories_that_the_base_has_already_are_no_news(here: Path, capsys: Capture) -> None:
    pull = PullRequest(here, capsys)
    pull.system()
    pull.system("credit-copy")
    pull.branch()
    write_yaml(pull.credit / "context.yaml", context(title="Another title", version=2))
    found = pull.check("--fail-on", "new")
    assert (found.code, found.new()) == (0, set())


def test_a_model_takes_the_name_of_another(here: Path, capsys: Capture) -> None:
    pull = PullRequest(here, capsys)
    pull.system()
    edit(pull.system("toy") / "context.yaml", ('{"name": "credit"}', '{"name": "toy"}'))
    pull.branch()
    edit(pull.tree / "toy" / "context.yaml", ('{"name": "toy"}', '{"name": "credit"}'))
    found = pull.check("--fail-on", "new")
    assert found.code == 3
    assert ("", "model_twice", "credit", "deny") in found.new("governance/toy")
    assert ("", "context_changed", "models", "warn") in found.new("governance/toy")


def test_two_models_swap_their_names_so_that_one_has_the_milder_context(here: Path, capsys: Capture) -> None:
    pull = PullRequest(here, capsys)
    pull.system()
    toy = pull.system("toy")
    write_yaml(toy / "context.yaml", {**context(**MILD), "models": [{"name": "toy"}]})
    pull.branch()
    edit(pull.credit / "context.yaml", ('{"name": "credit"}', '{"name": "toy"}'))
    edit(toy / "context.yaml", ('{"name": "toy"}', '{"name": "credit"}'))
    found = pull.check("--fail-on", "new")
    assert found.code == 3
    assert ("", "model_twice", "credit", "deny") in found.new("governance/toy")


def test_a_model_gets_another_name_and_a_new_directory_with_a_milder_context_takes_its_own(
    here: Path, capsys: Capture
) -> None:
    pull = PullRequest(here, capsys)
    pull.system()
    pull.branch()
    edit(pull.credit / "context.yaml", ('{"name": "credit"}', '{"name": "credit-old"}'))
    write_yaml(pull.system("credit2") / "context.yaml", context(**MILD))
    found = pull.check("--fail-on", "new")
    assert found.code == 3
    assert ("", "model_twice", "credit", "deny") in found.new("governance/credit2")


@pytest.mark.parametrize("name", [b"two\nlines", b"-rf", b"\x1b[31m", b"a\tb", b"::error::x", b"$(id)"])
def test_a_directory_with_a_hostile_name_is_judged_and_shown_harmlessly(
    here: Path, capsys: Capture, name: bytes
) -> None:
    pull = PullRequest(here, capsys)
    folder = pull.system().rename(pull.tree / os.fsdecode(name))
    pull.branch()
    (folder / "evidence" / "audit.yaml").unlink()
    code, out, err = pull.said("--fail-on", "new", "--format", "text", "--format", "github=annotations")
    assert code == 3
    assert not set(out + err) & {"\x1b", "\t"}
    assert "\n::error::x" not in out
    assert all(line.startswith("::") for line in (here / "annotations").read_text("utf-8").splitlines())


@pytest.mark.parametrize("path", [b"\xff\xfe", b"credit/evidence/\xff.yaml"])
def test_a_name_that_is_no_text_is_refused(pull: PullRequest, path: bytes) -> None:
    odd = pull.tree / os.fsdecode(path)
    (pull.credit if odd.suffix != ".yaml" else pull.credit / "evidence" / "bias.yaml").rename(odd)
    code, out, err = pull.said()
    assert (code, out) == (2, "")
    assert "The name is not UTF-8" in err


@pytest.mark.parametrize("name", [b"evil\n.yaml", b"-x.yaml", b"\xff.yaml"])
def test_evidence_with_a_hostile_name_is_read_at_the_base_too(here: Path, capsys: Capture, name: bytes) -> None:
    pull = PullRequest(here, capsys)
    evidence = pull.system() / "evidence"
    audit = (evidence / "audit.yaml").rename(evidence / os.fsdecode(name))
    pull.branch()
    audit.unlink()
    refused(pull)


@pytest.mark.parametrize("path", ["../evil.yaml", "evidence/../../../evil.yaml", ".git/config", "evidence//x.yaml"])
def test_a_base_whose_tree_holds_impossible_paths_writes_nothing_outside(
    here: Path, capsys: Capture, path: str
) -> None:
    pull = PullRequest(here, capsys)
    pull.system()
    pull.branch()
    blob = git(here, "hash-object", "-w", "--stdin", given=b"kind: audit\n")
    credit = raw_tree(here, "main:governance/credit", (path, "100644", blob))
    governance = raw_tree(here, "main:governance", ("credit", "40000", credit))
    root = raw_tree(here, "main:", ("governance", "40000", governance))
    odd = git(here, "commit-tree", "-m", "odd", root)
    git(here, "update-ref", "refs/heads/odd", odd)
    git(here, "update-ref", "refs/heads/change", git(here, "commit-tree", "-m", "x", "-p", odd, "change^{tree}"))
    assert path in git(here, "ls-tree", "-r", "--name-only", "-z", "odd")
    (pull.credit / "evidence" / "audit.yaml").unlink()
    refused(pull, base="odd")
    assert not (here.parent / "evil.yaml").exists()
    assert not (pull.credit.parent / "evil.yaml").exists()


def raw_tree(top: Path, like: str, *more: tuple[str, str, str]) -> str:
    """A tree as another one with entries in the place of those of the same name, whatever git would say of them."""
    listed = [line.split("\t") for line in git(top, "ls-tree", "-z", like).split("\0") if line]
    entries = [(name, *about.split()[::2]) for about, name in listed]
    kept = [entry for entry in entries if entry[0] not in {name for name, _, _ in more}]
    raw = b"".join(
        f"{mode.lstrip('0')} {name}".encode() + b"\0" + bytes.fromhex(oid) for name, mode, oid in sorted([*kept, *more])
    )
    return git(top, "hash-object", "-w", "-t", "tree", "--literally", "--stdin", given=raw)
