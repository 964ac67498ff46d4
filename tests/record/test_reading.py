# SPDX-License-Identifier: Apache-2.0
"""A verdict is read strictly, in either form; what contradicts itself is none."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from qaqpa.errors import ExitCode, UndecidedError
from qaqpa.model import Stage, Strength
from qaqpa.record import summary
from qaqpa.record.attest import BUNDLE_FILE, DSSE_FILE
from qaqpa.record.reading import MAX_BYTES, NotAVerdictError, SignedVerdict, parse_verdict, read_envelope
from support.statements import DIGEST
from support.verdicts import GATE, Change, changed, envelope, write


def parsed(tmp_path: Path, text: str) -> SignedVerdict:
    (tmp_path / "v.json").write_text(text, encoding="utf-8")
    return parse_verdict(read_envelope(tmp_path / "v.json"), GATE.key_id)


@pytest.mark.parametrize("form", [DSSE_FILE, BUNDLE_FILE])
def test_what_a_verdict_says(tmp_path: Path, passed: dict[str, Any], form: str) -> None:
    found = parse_verdict(read_envelope(write(tmp_path, passed, form=form)), GATE.key_id)
    assert (found.passed, found.digest, found.stage, found.decision) == (True, DIGEST, Stage.PRODUCTION, "allow")
    assert found.model == summary.Model("credit", "7")
    assert found.strength is Strength.SIGNED
    assert found.signer == GATE.key_id


def test_unknown_fields_are_ignored_as_slsa_asks(tmp_path: Path, passed: dict[str, Any]) -> None:
    def more(statement: dict[str, Any]) -> None:
        statement["predicate"]["urn:acme:other:v1"] = {"x": 1}
        statement["predicate"]["dependencyLevels"] = {}
        statement["note"] = 1
        statement["subject"][0]["digest"]["blake3"] = "00"

    assert parsed(tmp_path, envelope(changed(passed, more))) == parsed(tmp_path, envelope(passed))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "This is not JSON"),
        ("{", "This is not JSON"),
        ("[]", "exactly the fields"),
        ('{"payload": "", "payload": ""}', "stands twice"),
        ('{"mediaType": "application/vnd.dev.sigstore.bundle.v0.2+json"}', "A bundle of the type"),
        ('{"mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json", "dsseEnvelope": {}}', "A bundle of the type"),
        ("\ud800", "not UTF-8"),
        ("[" * 100_000, "This JSON is refused"),
    ],
)
def test_what_is_no_envelope_cannot_be_checked(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "v.json").write_bytes(text.encode("utf-8", "surrogatepass"))
    with pytest.raises(UndecidedError, match=said) as caught:
        read_envelope(tmp_path / "v.json")
    assert caught.value.exit_code is ExitCode.UNDECIDED


def test_a_cut_off_verdict_cannot_be_checked(tmp_path: Path, passed: dict[str, Any]) -> None:
    for form in (DSSE_FILE, BUNDLE_FILE):
        path = write(tmp_path, passed, form=form)
        path.write_bytes(path.read_bytes()[:-20])
        with pytest.raises(UndecidedError, match="no verdict"):
            read_envelope(path)


def test_what_is_no_file_cannot_be_checked_and_nobody_waits(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "large").write_bytes(b" " * (MAX_BYTES + 1))
    for name in ("none", "pipe", "large", "."):
        with pytest.raises(UndecidedError):
            read_envelope(tmp_path / name)


def set_in(*path: Any, value: Any) -> Change:
    def change(statement: dict[str, Any]) -> None:
        target: Any = statement
        for part in path[:-1]:
            target = target[part]
        target[path[-1]] = value

    return change


def without(*names: str) -> Change:
    def change(statement: dict[str, Any]) -> None:
        for name in names:
            del statement["predicate"][name]

    return change


def twice(statement: dict[str, Any]) -> None:
    statement["subject"].append(statement["subject"][0])


BAD: list[tuple[Change, str]] = [
    (twice, "subject"),
    (set_in("subject", value=[]), "subject"),
    (set_in("subject", 0, "digest", "sha256", value="0" * 64), "two digests of its subject differ"),
    (set_in("subject", 0, "digest", value={"sha256": DIGEST}), "dirHash"),
    (set_in("predicateType", value="urn:qaqpa:evidence:audit:v1"), "predicateType"),
    (set_in("_type", value="https://in-toto.io/Statement/v0.1"), "_type"),
    (set_in("predicate", "verificationResult", value="passed"), "verificationResult"),
    (set_in("predicate", "verificationResult", value="FAILED"), "levels as if it had passed"),
    (set_in("predicate", "verifiedLevels", value=["FAILED"]), "levels are not those"),
    (set_in("predicate", "verifiedLevels", value=["SLSA_BUILD_LEVEL_3"]), "levels are not those"),
    (set_in("predicate", summary.STAGE, value="staging"), "levels are not those"),
    (set_in("predicate", summary.STAGE, value="review"), "stage"),
    (set_in("predicate", "resourceUri", value="pkg:mlflow/credit@7?stage=staging"), "resourceUri"),
    (set_in("predicate", summary.SUBJECT, "name", value="other"), "resourceUri"),
    (set_in("predicate", summary.DECISION, value="deny"), "decided deny"),
    (set_in("predicate", summary.DECISION, value="undecided"), "decided undecided"),
    (set_in("predicate", summary.MODE, value="observe"), "in observe"),
    (set_in("predicate", summary.STRENGTH, value="independent"), "levels are not those"),
    (set_in("predicate", summary.PROFILES, value=[]), "levels are not those"),
    (set_in("predicate", "timeVerified", value="2026-11-23T00:00:00"), "timeVerified"),
    (set_in("predicate", "timeVerified", value="2026-11-23"), "timeVerified"),
    (set_in("predicate", summary.EXPIRES, value="2026-12-01T00:00:00"), "expires"),
    (set_in("predicate", summary.CONTEXT, value="x"), "context"),
    (without(summary.EXPIRES), "no end"),
    (without(summary.STRENGTH), "no end or no strength"),
    *((without(name), name) for name in (summary.WAIVERS, summary.PROFILES, summary.CONTEXT, summary.CONFIGURATION)),
    *(
        (without(name), name)
        for name in (summary.SUBJECT, summary.MODE, summary.PARTIES, "policy", "inputAttestations")
    ),
]


@pytest.mark.parametrize(("change", "said"), BAD, ids=[f"{number}-{said[:20]}" for number, (_, said) in enumerate(BAD)])
def test_what_contradicts_itself_or_lacks_a_part_is_no_verdict(
    tmp_path: Path, passed: dict[str, Any], change: Change, said: str
) -> None:
    with pytest.raises(NotAVerdictError, match=said.replace(".", r"\.")):
        parsed(tmp_path, envelope(changed(passed, change)))


def test_other_payloads_are_no_verdict(tmp_path: Path, passed: dict[str, Any]) -> None:
    with pytest.raises(NotAVerdictError, match="no in-toto statement"):
        parsed(tmp_path, envelope(passed, payload_type="application/json"))
    text = json.dumps(passed)
    for payload in (b"\xff", b"{", text.replace('"predicate":', '"predicate": {}, "predicate":', 1).encode(), b"NaN"):
        with pytest.raises(NotAVerdictError, match="no strict JSON"):
            parsed(tmp_path, envelope(payload))
