# SPDX-License-Identifier: Apache-2.0
"""What somebody who can only open a pull request may try with what others signed."""

from __future__ import annotations

import base64
import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from qaqpa.model import JsonObject
from support.contents import context
from support.directories import sign, write_yaml
from support.pull_requests import Capture, PullRequest, sign_again, signed_for_review, write_evidence

SILENCED = ("AUD-01", "evidence_silenced", "audit", "deny")


def denied_by(here: Path, capsys: Capture, auditor: str) -> tuple[PullRequest, Path]:
    """A pull request on a model with a good audit that counts, and a negative one; and the file of that."""
    pull = PullRequest(here, capsys)
    signed_for_review(pull)
    (pull.credit / "evidence" / "audit.json").rename(pull.credit / "evidence" / "good.json")
    write_evidence(pull, "audit", conclusion="negative")
    draft = pull.credit / "evidence" / "audit.yaml"
    assert sign(pull.credit, "audit", draft, signers=[auditor]) == 0
    draft.unlink()
    shutil.rmtree(pull.tree / "keys")
    pull.branch()
    assert pull.check("--fail-on", "any").code == 3
    return pull, pull.credit / "evidence" / "audit.json"


def withdraw(pull: PullRequest, statement: str, signer: str) -> None:
    draft = pull.top / "withdrawal.yaml"
    write_yaml(draft, {"kind": "withdrawal", "statement": statement, "reason": "It was a mistake."})
    assert sign(pull.credit, "withdrawal", draft, signers=[signer]) == 0
    shutil.rmtree(pull.tree / "keys")


def flipped(envelope: JsonObject) -> str:
    for one in envelope["signatures"]:
        raw = bytearray(base64.b64decode(one["sig"]))
        raw[10] ^= 1
        one["sig"] = base64.b64encode(bytes(raw)).decode()
    return json.dumps(envelope)


def by_a_stranger(envelope: JsonObject) -> str:
    signature = {"keyid": "SHA256:x", "sig": base64.b64encode(b"x" * 64).decode()}
    return json.dumps({**envelope, "signatures": [signature]})


def stripped(envelope: JsonObject) -> str:
    return base64.b64decode(envelope["payload"]).decode()


@pytest.mark.parametrize("spoil", [flipped, by_a_stranger, stripped])
def test_the_signature_of_a_failed_audit_is_spoiled(
    here: Path, capsys: Capture, spoil: Callable[[JsonObject], str]
) -> None:
    pull, audit = denied_by(here, capsys, "auditor")
    audit.write_text(spoil(json.loads(audit.read_bytes())), encoding="utf-8")
    found = pull.check("--fail-on", "new")
    assert found.code == 3
    assert SILENCED in found.new()
    assert found.mended() == set()


def test_a_failed_audit_of_somebody_who_is_not_independent_is_taken_away(here: Path, capsys: Capture) -> None:
    pull, audit = denied_by(here, capsys, "peer")
    audit.unlink()
    found = pull.check("--fail-on", "new")
    assert (found.code, found.mended()) == (3, set())
    assert SILENCED in found.new()


@pytest.mark.parametrize("auditor", ["auditor", "peer"])
def test_whoever_signed_a_failed_audit_may_withdraw_it_and_no_stranger(
    here: Path, capsys: Capture, auditor: str
) -> None:
    pull, audit = denied_by(here, capsys, auditor)
    statement = hashlib.sha256(base64.b64decode(json.loads(audit.read_bytes())["payload"])).hexdigest()
    kept = audit.read_bytes()
    withdraw(pull, statement, auditor)
    withdrawal = pull.credit / "evidence" / "withdrawal.json"
    good = withdrawal.read_text("utf-8")
    audit.unlink()
    withdrawal.write_text(by_a_stranger(json.loads(good)), encoding="utf-8")
    assert SILENCED in pull.check("--fail-on", "new").new()
    withdrawal.write_text(good, encoding="utf-8")
    assert pull.check("--fail-on", "new").code == 0
    audit.write_bytes(kept)
    assert pull.check("--fail-on", "new").code == 0


def test_an_older_context_that_was_signed_is_put_back(here: Path, capsys: Capture) -> None:
    pull = PullRequest(here, capsys)
    signed_for_review(pull)
    own, signed = pull.credit / "context.yaml", pull.credit / "evidence" / "system.json"
    write_yaml(own, context(affects_rights=False, significant_decision=False, jurisdictions=["KZ"], version=1))
    sign_again(pull, "system", own)
    old = own.read_bytes(), signed.read_bytes()
    write_yaml(own, context(version=2))
    sign_again(pull, "system", own)
    pull.branch()
    own.write_bytes(old[0])
    signed.write_bytes(old[1])
    found = pull.check("--fail-on", "new")
    assert found.code == 3
    assert {change for change in found.new() if change[3] == "deny" and not change[0]} == {
        ("", "context_lowered", "version", "deny")
    }
