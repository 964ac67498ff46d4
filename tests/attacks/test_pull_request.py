# SPDX-License-Identifier: Apache-2.0
"""What somebody who can only open a pull request may try against its review; each test is named by the attack."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from qaqpa import times
from qaqpa.cli.main import main
from support.contents import contents, context
from support.directories import signed_system, write_trust, write_yaml
from support.keyring import ROOTS, public_line, signing_key
from support.pull_requests import Capture, PullRequest, edit, git

LAX_PROFILE = (
    "version: 1\ngates:\n- {stage: production, profiles: [unesco], aliases: [production]}\n"
    "review: {code: {governance/credit: [src/**]}}\n"
)


@pytest.fixture
def pull(here: Path, capsys: Capture) -> PullRequest:
    """A pull request that takes the audit away, against a base without a configuration."""
    request = PullRequest(here, capsys)
    request.system()
    request.branch()
    (request.credit / "evidence" / "audit.yaml").unlink()
    return request


def refused(pull: PullRequest, *more: str, **named: str) -> Any:
    """The check refuses the audit that is gone, and so was not fooled."""
    found = pull.check("--fail-on", "new", *more, **named)
    assert found.code == 3
    assert ("AUD-01", "evidence_missing", "audit", "deny") in found.new()
    return found


def own_organisation(top: Path) -> None:
    """A parties file in which the attacker's own root keys count."""
    write_trust(top, root_keys=[public_line("stranger1"), public_line("stranger2")])
    roots = json.dumps([signing_key(f"stranger{number}").key_id for number in (1, 2)])
    text = (top / "qaqpa.yaml").read_text("utf-8")
    value = json.loads(text.partition("parties: ")[2])
    (top / "qaqpa.yaml").write_text(text.replace(json.dumps(value["roots"]), roots), encoding="utf-8")


def test_a_configuration_with_a_milder_profile_is_added(pull: PullRequest) -> None:
    (pull.top / "qaqpa.yaml").write_text(LAX_PROFILE, encoding="utf-8")
    pull.commit()
    found = refused(pull)
    assert found.report()["decision"]["profiles"] == ["article-baseline"]
    assert "main:qaqpa.yaml does not exist" in found.err


def test_a_configuration_is_named_that_the_pull_request_added(
    pull: PullRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    (pull.top / "conf").mkdir()
    (pull.top / "conf" / "own.yaml").write_text(LAX_PROFILE, encoding="utf-8")
    assert "main:conf/own.yaml does not exist" in refused(pull, "--config", "conf/own.yaml").err
    monkeypatch.setenv("QAQPA_CONFIG", str(pull.top / "conf" / "own.yaml"))
    assert refused(pull).report()["decision"]["profiles"] == ["article-baseline"]


def configured(
    here: Path, capsys: Capture, text: str = "version: 1\nraise: [TRN-02/comprehension_low]\n"
) -> PullRequest:
    """A pull request against a base that has a configuration."""
    request = PullRequest(here, capsys)
    request.system()
    (here / "qaqpa.yaml").write_text(text, encoding="utf-8")
    request.branch()
    low = {**contents(times.now())["explanation"], "comprehension": {"n": 40, "share_understood": 0.5}}
    write_yaml(request.credit / "evidence" / "explanation.yaml", low)
    return request


@pytest.mark.parametrize("form", ["edited", "deleted", "a link", "a directory"])
def test_the_configuration_of_the_base_is_replaced(here: Path, capsys: Capture, form: str) -> None:
    pull = configured(here, capsys)
    (here / "qaqpa.yaml").unlink()
    if form == "edited":
        (here / "qaqpa.yaml").write_text("version: 1\n", encoding="utf-8")
    elif form == "a link":
        (here / "milder.yaml").write_text("version: 1\n", encoding="utf-8")
        (here / "qaqpa.yaml").symlink_to("milder.yaml")
    elif form == "a directory":
        (here / "qaqpa.yaml").mkdir()
    found = pull.check("--fail-on", "new")
    assert (found.code, found.err) == (3, "")
    assert found.report()["decision"]["settings"]["raised"] == ["TRN-02/comprehension_low"]
    assert any(code == "comprehension_low" and level == "deny" for _, code, _, level in found.new())


def test_the_configuration_is_broken_so_that_defaults_judge(here: Path, capsys: Capture) -> None:
    pull = configured(here, capsys)
    (here / "qaqpa.yaml").write_text("version: [\n", encoding="utf-8")
    assert pull.check("--fail-on", "new").code == 3


def test_what_the_base_gained_meanwhile_judges_too(here: Path, capsys: Capture) -> None:
    pull = configured(here, capsys, "version: 1\n")
    pull.commit()
    pull.on_main("qaqpa.yaml", "version: 1\nraise: [TRN-02/comprehension_low]\n")
    assert pull.check("--fail-on", "new").code == 3


def test_files_that_the_base_gained_meanwhile_are_not_taken_for_deleted(here: Path, capsys: Capture) -> None:
    pull = PullRequest(here, capsys)
    pull.system()
    pull.branch()
    pull.commit()
    pull.on_main("governance/other/context.yaml", (pull.credit / "context.yaml").read_text("utf-8"))
    assert pull.check("--fail-on", "new").targets == []


@pytest.mark.parametrize("by", ["configuration", "variables"])
def test_a_parties_file_of_strangers_is_put_in_the_place_of_the_base_one(
    here: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch, by: str
) -> None:
    pull = PullRequest(here, capsys)
    signed_system(pull.credit)
    shutil.rmtree(pull.tree / "keys")
    write_trust(here)
    edit(here / "qaqpa.yaml", (json.dumps(str(here / "parties.signed.json")), '"parties.signed.json"'))
    pull.branch()
    before = {one["control"]: one["status"] for one in self_judged(pull)["findings"]}
    own_organisation(here)
    if by == "variables":
        monkeypatch.setenv("QAQPA_PARTIES", str(here / "parties.signed.json"))
        monkeypatch.setenv("QAQPA_ROOTS", ",".join(signing_key(root).key_id for root in ROOTS[:2]))
        monkeypatch.setenv("QAQPA_ROOTS_THRESHOLD", "2")
    (pull.credit / "README.md").write_text("changed\n", encoding="utf-8")
    found = pull.check("--fail-on", "new")
    assert found.report()["decision"]["problems"] == []
    assert {one["control"]: one["status"] for one in found.report()["decision"]["findings"]} == before


def self_judged(pull: PullRequest) -> Any:
    """The decision about what nobody changed."""
    return pull.check("--fail-on", "any").report()["decision"]


def test_a_parties_file_is_deleted_so_that_nobody_is_asked(here: Path, capsys: Capture) -> None:
    pull = PullRequest(here, capsys)
    signed_system(pull.credit)
    write_trust(here)
    edit(here / "qaqpa.yaml", (json.dumps(str(here / "parties.signed.json")), '"parties.signed.json"'))
    pull.branch()
    (here / "parties.signed.json").unlink()
    (pull.credit / "README.md").write_text("changed\n", encoding="utf-8")
    assert pull.check().report()["decision"]["problems"] == []
    git(here, "checkout", "--quiet", "--force", "main")
    (here / "parties.signed.json").unlink()
    pull.commit()
    git(here, "checkout", "--quiet", "change")
    (pull.credit / "README.md").write_text("changed again\n", encoding="utf-8")
    found = pull.check()
    assert [problem["code"] for problem in found.report()["decision"]["problems"]] == ["parties_missing"]
    assert "main:parties.signed.json does not exist" in found.err


def test_a_state_directory_in_the_work_tree_remembers_nothing(here: Path, capsys: Capture) -> None:
    pull = PullRequest(here, capsys)
    pull.system()
    write_trust(here)
    text = (here / "qaqpa.yaml").read_text("utf-8")
    (here / "qaqpa.yaml").write_text(
        text.replace('"threshold": 2', '"threshold": 2, "state": "state"'), encoding="utf-8"
    )
    pull.branch()
    (pull.credit / "README.md").write_text("changed\n", encoding="utf-8")
    assert "no version is remembered" in pull.check().err
    assert not (here / "state").exists()


@pytest.mark.parametrize("where", ["base", "pull request"])
def test_policies_come_from_the_base_or_not_at_all(here: Path, capsys: Capture, where: str) -> None:
    pull = PullRequest(here, capsys)
    pull.system()
    compiled = Path(main.__code__.co_filename).parents[1] / "policy" / "compiled"
    (here / "qaqpa.yaml").write_text("version: 1\npolicy: built\n", encoding="utf-8")
    if where == "base":
        shutil.copytree(compiled, here / "built")
    pull.branch()
    (pull.credit / "evidence" / "audit.yaml").unlink()
    shutil.rmtree(here / "built", ignore_errors=True)
    (here / "built").mkdir()
    for name in ("policy.wasm", "data.json", "manifest.json"):
        (here / "built" / name).write_text("{}", encoding="utf-8")
    if where == "base":
        assert pull.check("--fail-on", "new").code == 3
    else:
        code, out, err = pull.said()
        assert (code, out) == (2, "")
        assert "The base has no compiled policies there" in err


def test_a_pinned_configuration_outside_is_believed(
    pull: PullRequest, tmp_path_factory: pytest.TempPathFactory
) -> None:
    outside = tmp_path_factory.mktemp("pinned") / "qaqpa.yaml"
    outside.write_text("version: 1\nthresholds: {NDQ-02: {min_group_n: 200}}\n", encoding="utf-8")
    found = refused(pull, "--config", str(outside))
    assert found.report()["decision"]["settings"]["thresholds"] == {"NDQ-02": {"min_group_n": 200}}


def test_a_pinned_configuration_that_leads_into_the_work_tree_is_not(
    pull: PullRequest, tmp_path_factory: pytest.TempPathFactory
) -> None:
    (pull.top / "own.yaml").write_text(LAX_PROFILE, encoding="utf-8")
    link = tmp_path_factory.mktemp("pinned") / "qaqpa.yaml"
    link.symlink_to(pull.top / "own.yaml")
    assert "main:own.yaml does not exist" in refused(pull, "--config", str(link)).err


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
    assert (found.code, found.targets) == (0, [])
    assert "governance/credit is gone, and so is its code" in found.err


def test_the_whole_tree_is_taken_away(pull: PullRequest) -> None:
    shutil.rmtree(pull.tree)
    code, _, err = pull.said("--fail-on", "new")
    assert code == 2
    assert "There is no such directory" in err


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


def test_a_tag_is_named_as_the_base_is(pull: PullRequest) -> None:
    pull.commit()
    git(pull.top, "tag", "main")
    code, out, err = pull.said()
    assert (code, out) == (2, "")
    assert "means more than one thing: refs/heads/main, refs/tags/main" in err
    refused(pull, base="refs/heads/main")


@pytest.mark.parametrize(
    "ref", ["--output=x", "-", "", "a b", "main..change", "main\n", "main:qaqpa.yaml", "none", "x" * 2000]
)
def test_a_base_that_is_an_option_or_no_commit_is_refused(pull: PullRequest, ref: str) -> None:
    assert main(["check", "governance", f"--base={ref}"]) == 2
    assert not (pull.top / "x").exists()


def test_a_repository_whose_configuration_runs_commands(
    pull: PullRequest, tmp_path_factory: pytest.TempPathFactory
) -> None:
    touch = f"touch {pull.top / 'owned'}; cat"
    script = tmp_path_factory.mktemp("theirs") / "script"
    script.write_text(f"#!/bin/sh\n{touch}\n", encoding="utf-8")
    script.chmod(0o755)
    for name in (
        *("core.fsmonitor", "core.sshCommand", "core.pager", "core.editor", "diff.external", "core.gitProxy"),
        *("diff.evil.textconv", "diff.evil.command", "filter.evil.clean", "filter.evil.smudge", "filter.evil.process"),
        *("remote.origin.uploadpack", "uploadpack.packObjectsHook", "core.alternateRefsCommand", "gpg.program"),
    ):
        git(pull.top, "config", name, str(script))
    hooks = pull.top / "hooks"
    hooks.mkdir()
    for name in ("post-index-change", "post-checkout", "fsmonitor-watchman", "reference-transaction"):
        shutil.copy(script, hooks / name)
    git(pull.top, "config", "core.hooksPath", str(hooks))
    (pull.top / ".gitattributes").write_text("* filter=evil diff=evil text eol=crlf export-ignore\n", encoding="utf-8")
    (pull.top / "owned").unlink(missing_ok=True)
    refused(pull)
    assert not (pull.top / "owned").exists()


def test_objects_are_replaced_so_that_the_base_looks_weak(here: Path, capsys: Capture) -> None:
    pull = PullRequest(here, capsys)
    pull.system()
    pull.branch()
    (pull.credit / "evidence" / "audit.yaml").unlink()
    weak = pull.commit()
    git(here, "replace", git(here, "rev-parse", "main"), weak)
    assert git(here, "show", "--name-only", "--format=", "main:governance/credit/evidence").count("audit") == 0
    refused(pull)
    (here / ".git" / "info").mkdir(exist_ok=True)
    (here / ".git" / "info" / "grafts").write_text(f"{weak}\n", encoding="utf-8")
    refused(pull)


def test_the_index_says_that_nothing_changed(pull: PullRequest) -> None:
    git(pull.top, "checkout", "--quiet", "--", "governance")
    write_yaml(pull.credit / "evidence" / "audit.yaml", {**contents(times.now())["audit"], "conclusion": "negative"})
    git(pull.top, "update-index", "--assume-unchanged", "governance/credit/evidence/audit.yaml")
    git(pull.top, "update-index", "--skip-worktree", "governance/credit/context.yaml")
    found = pull.check("--fail-on", "new")
    assert (found.code, found.new()) == (3, {("AUD-01", "conclusion_negative", "conclusion", "deny")})


def test_variables_of_git_point_elsewhere(
    pull: PullRequest, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    other = tmp_path_factory.mktemp("other")
    git(other, "init", "--quiet", "--initial-branch=main")
    git(other, "commit", "--quiet", "--allow-empty", "--message", "empty")
    for name, value in {"GIT_DIR": other / ".git", "GIT_WORK_TREE": other, "GIT_INDEX_FILE": other / "index"}.items():
        monkeypatch.setenv(name, str(value))
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", "core.worktree")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", str(other))
    refused(pull)


def test_a_work_tree_that_the_repository_moves_elsewhere_is_refused(
    pull: PullRequest, tmp_path_factory: pytest.TempPathFactory
) -> None:
    git(pull.top, "config", "core.worktree", str(tmp_path_factory.mktemp("other")))
    code, _, err = pull.said()
    assert code == 2
    assert "outside the work tree" in err or "no git work tree" in err


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
