# SPDX-License-Identifier: Apache-2.0
"""The people of the made-up bank: what they sign counts, each for what they may sign."""

from __future__ import annotations

import io
import re
import shutil
import stat
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from qaqpa import times
from qaqpa.config import load_config
from qaqpa.demo import papers
from qaqpa.demo.example import files
from qaqpa.demo.people import APPROVERS, AUDITOR, OWNER, RISK_OWNER, SIGNERS, TRAINER, People, openssh_says
from qaqpa.demo.story import show_key
from qaqpa.demo.talk import Talk
from qaqpa.documents import parse_yaml
from qaqpa.evidence.carriers import Carried, tag_key
from qaqpa.evidence.envelope import IN_TOTO, sign
from qaqpa.evidence.keys import load_signing_key
from qaqpa.evidence.kinds import STAGE, kind
from qaqpa.evidence.parties import Parties
from qaqpa.evidence.statement import context_digest, make_statement
from qaqpa.evidence.trust import Trust
from qaqpa.gate import request_about
from qaqpa.model import Request, Settings, Stage, Strength, Subject

MODEL, DIGEST, OTHER_DIGEST = "mortgage-approval", "ab" * 32, "cd" * 32


@pytest.fixture
def people(tmp_path: Path) -> People:
    made = People(tmp_path)
    (tmp_path / "qaqpa.yaml").write_text(made.configuration, encoding="utf-8")
    return made


@pytest.fixture
def trust(people: People, tmp_path: Path) -> Trust:
    del people
    source = load_config(tmp_path / "qaqpa.yaml").parties
    assert source is not None
    return Trust(source)


@pytest.fixture
def parties(trust: Trust) -> Parties:
    return trust.parties(times.now())


@pytest.fixture(scope="module")
def contents() -> dict[str, dict[str, Any]]:
    written = files("mended")
    paths = {name: "context.yaml" if name == "system" else f"evidence/{name}.yaml" for name in papers.KINDS}
    return {name: parse_yaml(written[path], path).value for name, path in paths.items()}


def asked(
    people: People,
    trust: Trust,
    contents: Mapping[str, dict[str, Any]],
    *,
    digest: str = DIGEST,
    signers: Mapping[str, Sequence[str]] = SIGNERS,
    stage: Stage = Stage.PRODUCTION,
) -> Request:
    """A request for production about a model, with all papers about the model with `DIGEST`."""
    now = times.now()
    carried = []
    for name, content in contents.items():
        payload = make_statement(
            kind(name),
            content,
            registered_model=MODEL,
            model_digest=DIGEST,
            context_digest=context_digest(contents["system"]),
            issued_at=now,
            stage=stage if STAGE in kind(name).binds else None,
        )
        text = sign(payload, IN_TOTO, people.keys(signers[name]))
        carried.append(Carried(f"tag {tag_key(kind(name), payload)}", text, name))
    return request_about(
        Subject(MODEL, "1", digest),
        carried,
        stage=Stage.PRODUCTION,
        profiles=["article-baseline"],
        settings=Settings(),
        now=now,
        trust=trust,
    )


def test_two_root_keys_signed_the_parties_file_and_both_are_needed(trust: Trust, tmp_path: Path) -> None:
    assert len(trust.parties(times.now()).root_keys) == 2
    source = load_config(tmp_path / "qaqpa.yaml").parties
    assert source is not None
    assert (len(source.roots), source.threshold) == (2, 2)


def test_everything_counts_and_the_audit_as_independent(
    people: People, trust: Trust, contents: dict[str, dict[str, Any]]
) -> None:
    request = asked(people, trust, contents)
    assert not request.rejected
    assert not request.problems
    assert request.context_digest == context_digest(contents["system"])
    strength = {fact.kind: fact.strength for fact in request.evidence}
    assert set(strength) == set(papers.KINDS)
    independent = {name for name, found in strength.items() if found is Strength.INDEPENDENT}
    assert {"audit", "commission", "ethics_assessment", "release_approval", "system"} <= independent


def test_the_owners_audit_is_refused_as_not_independent(
    people: People, trust: Trust, contents: dict[str, dict[str, Any]]
) -> None:
    request = asked(people, trust, contents, signers={**SIGNERS, "audit": [OWNER]})
    assert [(refusal.kind, refusal.code) for refusal in request.rejected] == [("audit", "not_independent")]
    assert request.rejected[0].detail == "model-owner signed it and is recorded as owner of this model."


def test_one_approver_alone_is_too_few_and_the_trainer_may_not_be_one(
    people: People, trust: Trust, contents: dict[str, dict[str, Any]]
) -> None:
    for signers, code in (([APPROVERS[0]], "too_few_signers"), ([TRAINER], "wrong_role")):
        request = asked(people, trust, contents, signers={**SIGNERS, "release_approval": signers})
        assert [(refusal.kind, refusal.code) for refusal in request.rejected] == [("release_approval", code)]


def test_an_approval_for_another_stage_does_not_count(
    people: People, trust: Trust, contents: dict[str, dict[str, Any]]
) -> None:
    request = asked(people, trust, contents, stage=Stage.STAGING)
    assert [(refusal.kind, refusal.code) for refusal in request.rejected] == [("release_approval", "other_stage")]


def test_a_context_that_the_risk_owner_did_not_sign_makes_no_context(
    people: People, trust: Trust, contents: dict[str, dict[str, Any]]
) -> None:
    request = asked(people, trust, contents, signers={**SIGNERS, "system": ["ml-engineer"]})
    assert request.context is None
    assert ("system", "wrong_role") in [(refusal.kind, refusal.code) for refusal in request.rejected]


def test_the_context_does_not_count_while_nobody_says_who_trained(
    people: People, trust: Trust, contents: dict[str, dict[str, Any]]
) -> None:
    request = asked(people, trust, {"system": contents["system"]})
    assert request.context is None
    assert [refusal.code for refusal in request.rejected] == ["trainer_unknown"]


def test_other_bytes_void_what_binds_the_model_and_keep_what_binds_the_system(
    people: People, trust: Trust, contents: dict[str, dict[str, Any]]
) -> None:
    request = asked(people, trust, contents, digest=OTHER_DIGEST)
    assert {refusal.kind: refusal.code for refusal in request.rejected} == dict.fromkeys(
        ["audit", "bias", "datasheets", "evaluation", "explanation", "model_card", "release_approval"], "other_model"
    )
    assert {fact.kind for fact in request.evidence} == {name for name in papers.KINDS if kind(name).carried_by_system}


def test_every_kind_has_a_rule_and_signers_who_hold_the_role(parties: Parties) -> None:
    assert set(papers.KINDS) <= set(SIGNERS) == set(parties.rules)
    for name, signers in SIGNERS.items():
        assert all(parties.rules[name].allows(parties.persons[signer]) for signer in signers), name


def test_the_owner_may_sign_audits_and_the_auditor_is_of_another_unit(parties: Parties) -> None:
    assert "auditor" in parties.persons[OWNER].roles
    named = [parties.persons[name].unit for name in ("ml-engineer", OWNER, "head-of-lending")]
    assert parties.persons[AUDITOR].unit not in named


def test_the_members_of_the_commission_are_those_who_sign_and_hold_their_disciplines(
    parties: Parties, contents: dict[str, dict[str, Any]]
) -> None:
    commission = contents["commission"]
    members = {member["id"]: member["disciplines"] for member in commission["members"]}
    assert set(members) == set(SIGNERS["commission"])
    assert members == {name: list(parties.persons[name].disciplines) for name in members}
    assert "commission_chair" in parties.persons[commission["chair"]].roles


def test_what_is_said_of_the_people_is_so(people: People, parties: Parties) -> None:
    assert len(people) == len(parties.persons)
    assert people.units == len({person.unit for person in parties.persons.values()})


def test_private_keys_are_files_for_their_owner_only_and_never_the_same(people: People, tmp_path: Path) -> None:
    private = [path for path in (tmp_path / "keys").iterdir() if path.suffix != ".pub"]
    assert {stat.S_IMODE(path.stat().st_mode) for path in private} == {0o600}
    assert len({load_signing_key(path, bytes).key_id for path in private}) == len(people) + 2


@pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="OpenSSH is not installed")
def test_openssh_shows_the_same_key_id(people: People) -> None:
    talk, text = shown(people)
    assert talk.differed == []
    assert re.findall(r"SHA256:\S+", text) == [people.key_id(RISK_OWNER)] * 2


def test_without_openssh_the_command_is_printed_all_the_same(people: People, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    talk, text = shown(people)
    assert talk.differed == []
    assert f"$ ssh-keygen -l -f {people.key_file(RISK_OWNER)}.pub" in text
    assert text.count(people.key_id(RISK_OWNER)) == 1


def test_an_openssh_that_shows_something_else_is_noticed(
    people: People, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    openssh_that(tmp_path, monkeypatch, "echo 256 SHA256:other")
    talk, _ = shown(people)
    assert len(talk.differed) == 1
    assert talk.differed[0].startswith("ssh-keygen shows the same key id")


def test_an_openssh_that_hangs_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    openssh_that(tmp_path, monkeypatch, "exec sleep 60")
    monkeypatch.setattr("qaqpa.demo.people._SSH_KEYGEN_SECONDS", 0.5)
    assert openssh_says(tmp_path / "some.pub") is None


def openssh_that(directory: Path, monkeypatch: pytest.MonkeyPatch, does: str) -> None:
    program = directory / "bin" / "ssh-keygen"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\n{does}\n", encoding="utf-8")
    program.chmod(0o700)
    monkeypatch.setenv("PATH", f"{program.parent}:/bin:/usr/bin")


def shown(people: People) -> tuple[Talk, str]:
    out = io.StringIO()
    talk = Talk(Console(file=out, width=100))
    show_key(talk, people, RISK_OWNER)
    return talk, out.getvalue()
