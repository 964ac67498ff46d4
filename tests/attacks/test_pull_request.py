# SPDX-License-Identifier: Apache-2.0
"""What somebody who can only open a pull request may try against the rules that judge it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from qaqpa import times
from qaqpa.cli.main import main
from support.contents import contents
from support.directories import sign, signed_system, write_trust, write_yaml
from support.keyring import ROOTS, organisation, person, public_line, signed_text, signing_key, to_yaml
from support.pull_requests import (
    Capture,
    PullRequest,
    edit,
    git,
    refused,
    signed_for_review,
    write_evidence,
)

LAX_PROFILE = (
    "version: 1\ngates:\n- {stage: production, profiles: [unesco], aliases: [production]}\n"
    "review: {code: {governance/credit: [src/**]}}\n"
)


def own_organisation(top: Path) -> None:
    """A configuration that trusts strangers, and their parties file, in which the data-protection officer may audit."""
    now = times.now()
    strangers = ("stranger1", "stranger2")
    value = organisation(now, version=2, root_keys=[public_line(root) for root in strangers])
    person(value, "dpo")["roles"].append("auditor")
    (top / "parties.signed.json").write_text(signed_text(to_yaml(value), strangers), encoding="utf-8")
    roots = [signing_key(root).key_id for root in strangers]
    parties = json.dumps({"file": "parties.signed.json", "roots": roots, "threshold": 2})
    (top / "qaqpa.yaml").write_text(f"version: 1\nparties: {parties}\n", encoding="utf-8")


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
    assert found.report()["notes"][0].startswith("Changed here: qaqpa.yaml. This review was made by those of the base")


def test_the_configuration_is_broken_so_that_defaults_judge(here: Path, capsys: Capture) -> None:
    pull = configured(here, capsys)
    (here / "qaqpa.yaml").write_text("version: [\n", encoding="utf-8")
    assert pull.check("--fail-on", "new").code == 3


def test_what_the_base_gained_meanwhile_judges_too(here: Path, capsys: Capture) -> None:
    pull = configured(here, capsys, "version: 1\n")
    pull.commit()
    pull.on_main("qaqpa.yaml", "version: 1\nraise: [TRN-02/comprehension_low]\n")
    found = pull.check("--fail-on", "new")
    assert found.code == 3
    assert not [note for note in found.report()["notes"] if "Changed here" in note], "the change does not alter it"


def test_nothing_but_the_rules_is_changed(here: Path, capsys: Capture) -> None:
    pull = PullRequest(here, capsys)
    pull.system()
    pull.branch()
    (here / "qaqpa.yaml").write_text(LAX_PROFILE, encoding="utf-8")
    found = pull.check("--fail-on", "new")
    assert (found.code, found.targets) == (0, [])
    assert "changed here: qaqpa.yaml. The base's judged" in found.err


def test_files_that_the_base_gained_meanwhile_are_not_taken_for_deleted(here: Path, capsys: Capture) -> None:
    pull = PullRequest(here, capsys)
    pull.system()
    pull.branch()
    pull.commit()
    pull.on_main("governance/other/context.yaml", (pull.credit / "context.yaml").read_text("utf-8"))
    assert pull.check("--fail-on", "new").targets == []


@pytest.mark.parametrize("by", ["configuration", "variables"])
def test_a_parties_file_of_strangers_is_put_in_the_place_of_the_base_one(
    here: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory, by: str
) -> None:
    pull = PullRequest(here, capsys)
    signed_for_review(pull)
    pull.branch()
    write_evidence(pull, "audit")
    draft = pull.credit / "evidence" / "audit.yaml"
    (pull.credit / "evidence" / "audit.json").unlink()
    assert sign(pull.credit, "audit", draft, signers=["dpo"]) == 0
    draft.unlink()
    own_organisation(here)
    if by == "variables":
        monkeypatch.setenv("QAQPA_PARTIES", str(here / "parties.signed.json"))
        monkeypatch.setenv("QAQPA_ROOTS", ",".join(signing_key(root).key_id for root in ROOTS[:2]))
        monkeypatch.setenv("QAQPA_ROOTS_THRESHOLD", "2")
    found = pull.check("--fail-on", "new")
    assert (found.code, found.report()["decision"]["problems"]) == (3, [])
    assert ("AUD-01", "evidence_refused", "audit", "deny") in found.new()
    if by == "configuration":
        theirs = tmp_path_factory.mktemp("theirs")
        own_organisation(theirs)
        believed = pull.check("--fail-on", "new", "--config", str(theirs / "qaqpa.yaml"))
        assert not [change for change in believed.new() if change[0] == "AUD-01"], "so the attack would have worked"


def test_a_parties_file_is_deleted_so_that_nobody_is_asked(here: Path, capsys: Capture) -> None:
    pull = PullRequest(here, capsys)
    signed_system(pull.credit)
    write_trust(here)
    edit(here / "qaqpa.yaml", (json.dumps(str(here / "parties.signed.json")), '"parties.signed.json"'))
    pull.branch()
    (here / "parties.signed.json").unlink()
    (pull.credit / "README.md").write_text("changed\n", encoding="utf-8")
    report = pull.check().report()
    assert report["decision"]["problems"] == []
    assert report["notes"][0].startswith("Changed here: parties.signed.json.")
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
        found = pull.check("--fail-on", "new")
        assert found.code == 3
        assert "built/policy.wasm" in found.report()["notes"][0]
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
