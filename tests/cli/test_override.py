# SPDX-License-Identifier: Apache-2.0
"""`qaqpa override`: two persons sign, a check says that it is there and stays a refusal, the log says what was used."""

from __future__ import annotations

import base64
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from qaqpa import times
from qaqpa.cli.main import main
from qaqpa.config import LogSource
from qaqpa.evidence.digest import dir_hash
from qaqpa.evidence.pieces import read_statement
from qaqpa.evidence.statement import Statement, context_digest
from qaqpa.record.attest import DSSE_FILE
from qaqpa.record.log.asked import Claim
from qaqpa.record.log.listing import used
from qaqpa.record.log.opening import open_log
from support.contents import context
from support.directories import keys_of, signed_system, write_trust
from support.keyring import private_key_file
from support.logs import asked, checked

Capture = pytest.CaptureFixture[str]
WHY = ["--ticket", "INC-17", "--reason", "It refuses everybody"]
SIGN = ["override", "sign", "--model", "system", *WHY, "--hours", "2"]


@pytest.fixture
def system(here: Path, capsys: Capture) -> Path:
    """A directory that is denied, for it lacks the audit."""
    write_trust(here)
    root = signed_system(here / "system")
    (root / "evidence" / "audit.json").unlink()
    capsys.readouterr()
    return root


def made(path: Path) -> Statement:
    return read_statement(path.read_text("utf-8"))[0]


def test_two_persons_sign_one_after_the_other_and_a_check_says_so_and_denies(
    system: Path, here: Path, capsys: Capture
) -> None:
    file = system / "evidence" / "override.json"
    assert main([*SIGN, *keys_of(here, ["incident1"]), "--output", str(file)]) == 0
    out = capsys.readouterr().out
    assert "it does not count in production yet: 2 different persons must sign it; counted: incident1. [too_few" in out
    assert "reason: It refuses everybody" in out
    assert main(["check", "system", "--stage", "production"]) == 3
    assert "too_few_signers" in capsys.readouterr().out

    cosign = ["override", "cosign", str(file), "--model", "system", *keys_of(here, ["incident2"])]
    assert main([*cosign, "--output", str(file)]) == 0
    said = capsys.readouterr()
    assert "This is what is signed" in said.err
    assert "with 2 signatures, 1 made now" in said.out
    assert "Seen from here, it counts in production as independent." in said.out
    assert "a third person, of another unit than both, has to ask for the promotion" in said.out
    statement = made(file)
    assert (statement.model_digest, statement.context_digest) == (dir_hash(system / "model"), context_digest(context()))
    assert statement.expires_at
    assert statement.expires_at - statement.issued_at == timedelta(hours=2)

    assert main(["check", "system", "--stage", "production"]) == 3
    out = " ".join(capsys.readouterr().out.split())
    assert f"An override is there: {statement.id[:16]}, ticket INC-17, signed by incident1, incident2" in out
    assert "It changes nothing in this decision" in out
    assert main(["check", "system", "--stage", "production", "--format", "json"]) == 3
    report = json.loads(capsys.readouterr().out)
    assert report["decision"]["verdict"] == "deny"
    assert [note.startswith("An override is there") for note in report["notes"]] == [True]
    assert main(["evidence", "list", "system", "--stage", "production"]) == 0
    assert "override" in capsys.readouterr().out.split("Refused")[0]


def test_a_verdict_on_what_has_an_override_is_failed(system: Path, here: Path, capsys: Capture) -> None:
    file = system / "evidence" / "override.json"
    assert main([*SIGN, *keys_of(here, ["incident1", "incident2"]), "--output", str(file)]) == 0
    key = str(private_key_file(here, "gate", 1))
    assert main(["check", "system", "--stage", "production", "--verdict", "out", "--gate-key", key]) == 3
    payload = json.loads((here / "out" / DSSE_FILE).read_text("utf-8"))["payload"]
    assert json.loads(base64.b64decode(payload))["predicate"]["verificationResult"] == "FAILED"
    assert "An override is there" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("changed", "found"),
    [
        (["--hours", "25"], "An override cannot last 25 hours"),
        (["--hours", "0"], "An override cannot last 0 hours"),
        (["--ticket", ""], "does not fit the schema"),
        (["--reason", "x" * 4001], "does not fit the schema"),
        (["--stage", "review"], "invalid choice: 'review'"),
        (["--key", "none"], "none: The key cannot be read"),
    ],
)
def test_what_cannot_be_signed_exits_with_2_and_writes_nothing(
    system: Path, here: Path, capsys: Capture, changed: list[str], found: str
) -> None:
    assert system.is_dir()
    try:
        code = main([*SIGN, *keys_of(here, ["incident1"]), "--output", "o.json", *changed])
    except SystemExit as error:
        code = int(error.code or 0)
    assert code == 2
    assert found in capsys.readouterr().err
    assert not (here / "o.json").exists()


def test_without_a_key_nothing_is_made(system: Path, here: Path, capsys: Capture) -> None:
    assert system.is_dir()
    assert main([*SIGN, "--output", "o.json"]) == 2
    assert "Nobody signs it" in capsys.readouterr().err
    assert not (here / "o.json").exists()


@pytest.mark.parametrize("named", ["file", "digest", "start"])
def test_a_review_names_the_override(system: Path, here: Path, capsys: Capture, named: str) -> None:
    file = system / "evidence" / "override.json"
    assert main([*SIGN, *keys_of(here, ["incident1", "incident2"]), "--output", str(file)]) == 0
    sha256 = made(file).id
    name = {"file": str(file), "digest": sha256, "start": sha256[:12]}[named]
    review = ["override", "review", name, "--model", "system", "--outcome", "not_justified", "--learnt", "Wait"]
    measures = ["--measure", "A second model stands by", "--measure", "Call earlier"]
    assert main([*review, *measures, *keys_of(here, ["risk"]), "--output", "review.json"]) == 0
    assert f"reviews         {sha256}" in capsys.readouterr().out
    statement = made(here / "review.json")
    assert (statement.reviews, statement.withdraws) == (sha256, None)
    assert statement.content["measures"] == ["A second model stands by", "Call earlier"]


@pytest.mark.parametrize(
    ("named", "found"),
    [
        ("0" * 12, "There is no such override"),
        ("system/evidence/bias.json", "The statement is of kind bias"),
        ("system/context.yaml", "context.yaml: "),
        ("no such file", "There is no such override"),
    ],
)
def test_a_review_of_nothing_exits_with_2(system: Path, here: Path, capsys: Capture, named: str, found: str) -> None:
    assert system.is_dir()
    review = ["override", "review", named, "--model", "system", "--outcome", "justified", "--learnt", "Wait"]
    assert main([*review, *keys_of(here, ["risk"]), "--output", "review.json"]) == 2
    assert found in capsys.readouterr().err


def logged(here: Path, **fields: Any) -> LogSource:
    """A log in which a denied decision was let through by an override."""
    source = LogSource(f"sqlite:///{here}/log.db")
    log = open_log(source)
    number = log.decided(asked(None, override="ab" * 32))
    row = {"decisions": [number], "verdict": "deny", "model": "credit", "version": "7", "stage": "production", **fields}
    about = {
        "ticket": "INC-17",
        "signers": [["incident1", "response"], ["incident2", "on-call"]],
        "user": "dana",
        "action": "alias production of credit version 7",
    }
    log.claim([Claim("ab" * 32, row, about)])
    return source


def test_the_log_tells_what_was_used_and_what_is_due(here: Path, capsys: Capture) -> None:
    now = times.now()
    source = logged(here, due=times.render(now + timedelta(days=7)))
    assert main(["override", "list", "--log", source.url]) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert "credit 7 production deny, OVERRIDDEN ticket INC-17 signed by incident1, incident2" in out
    assert f"due {times.render(now + timedelta(days=7))[:10]}" in out
    assert main(["log", "list", "--log", source.url]) == 0
    assert "undecided (OVERRIDDEN, row 3) unknown" in " ".join(capsys.readouterr().out.split())
    assert main(["log", "show", "2", "--log", source.url]) == 0
    out = capsys.readouterr().out
    assert "overridden     row 3, by incident1, incident2, ticket INC-17" in out
    assert main(["override", "list", "--log", source.url, "--model", "other"]) == 0
    assert capsys.readouterr().out == "No override was used.\n"


def test_the_log_tells_what_is_overdue_and_what_is_reviewed(here: Path, capsys: Capture) -> None:
    source = logged(here, due=times.render(times.now() - timedelta(days=1)))
    listing = ["override", "list", "--log", source.url]
    assert main(listing) == 0
    assert "OVERDUE since" in capsys.readouterr().out
    log = open_log(source)
    [use] = used(log.database)
    log.reviewed(use, "cd" * 32, "justified", {"learnt": "Wait", "signers": [["risk", "risk"]]})
    assert main(listing) == 0
    assert "justified, row 4" in capsys.readouterr().out
    assert main([*listing, "--format", "json"]) == 0
    [found] = json.loads(capsys.readouterr().out)["overrides"]
    assert (found["sha256"], found["overdue"], found["review"]["row"]) == ("ab" * 32, False, 4)
    assert found["about"]["ticket"] == "INC-17"
    assert checked(source).problems == []


def test_the_row_of_a_use_or_of_its_review_tells_all_that_is_kept_of_it(here: Path, capsys: Capture) -> None:
    source = logged(
        here,
        due=times.render(times.now() + timedelta(days=1)),
        ends="2026-11-26T04:00:00Z",
        digest="ef" * 32,
        context="01" * 32,
    )
    show = ["log", "show", "--log", source.url]
    assert main([*show, "3"]) == 0
    out = " ".join(capsys.readouterr().out.split())
    for told in (
        "row 3, an override was used",
        "model credit 7 stage production model digest efef",
        f"override {'ab' * 32} signed by incident1 (response), incident2 (on-call) ticket INC-17",
        "could be used until 2026-11-26T04:00:00Z, once",
        "used by dana for alias production of credit",
        "let through row 2, deny review due ",
    ):
        assert told in out
    log = open_log(source)
    [use] = used(log.database)
    review = {"learnt": "Wait\x1b[2K", "measures": ["Renew"], "signers": [["risk", "board"]], "outcome": "justified"}
    log.reviewed(use, "cd" * 32, "justified", review)
    for row in ("3", "4"):
        assert main([*show, row]) == 0
        out = " ".join(capsys.readouterr().out.split())
        assert "review justified, row 4" in out
        assert "reviewed by risk (board) learnt Wait\\u001b[2K measure 1 Renew" in out
    assert main([*show, "4", "--format", "json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["row"], found["review"]["row"], found["review_about"]["signers"]) == (3, 4, [["risk", "board"]])


def test_who_was_erased_from_the_log_is_not_named(here: Path, capsys: Capture) -> None:
    source = logged(here, due=times.render(times.now() + timedelta(days=1)))
    assert main(["log", "erase", "--log", source.url, "--row", "3", "--reason", "request 1"]) == 0
    assert main(["override", "list", "--log", source.url]) == 0
    assert "(erased)" in capsys.readouterr().out
    assert checked(source).problems == []
