# SPDX-License-Identifier: Apache-2.0
"""Which parties file is in force: signed by enough trusted roots, and in date."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from qaqpa import times
from qaqpa.errors import ExitCode
from qaqpa.evidence.envelope import IN_TOTO, parse_envelope, render, sign
from qaqpa.evidence.trust import PARTIES_TYPE, Trust, TrustError
from support.keyring import key_entry, parties_text, signing_key, trusted
from support.refusals import code, refused
from support.statements import NOW

DAY = timedelta(days=1)
SECOND = timedelta(seconds=1)


def ends(moment: datetime) -> str:
    return parties_text(NOW, expires=times.render(moment))


def test_a_file_that_enough_trusted_roots_signed_is_in_force(tmp_path: Path) -> None:
    source = trusted(tmp_path, NOW, state=tmp_path / "state")
    assert Trust(source).parties(NOW).persons["auditor"].unit == "audit"
    assert Trust(trusted(tmp_path, NOW, roots=("root3", "root1"))).parties(NOW).version == 1


def test_a_file_signed_by_too_few_roots_is_refused(tmp_path: Path) -> None:
    error = refused(trusted(tmp_path, NOW, roots=("root1",)))
    assert error.code == "parties_signatures"
    assert "1 of the trusted root keys" in str(error)
    assert error.exit_code is ExitCode.UNDECIDED


def test_the_same_root_twice_is_one_root(tmp_path: Path) -> None:
    source = trusted(tmp_path, NOW, roots=("root1", "root1"))
    assert code(source) == "parties_signatures"
    value = json.loads(source.file.read_text("utf-8"))
    again = signing_key("root1").sign(parse_envelope(json.dumps(value)).signed_bytes)
    for key_id in (signing_key("root1").key_id, signing_key("root2").key_id, "root1"):
        pair = {"keyid": key_id, "sig": base64.b64encode(again).decode()}
        source.file.write_text(json.dumps({**value, "signatures": [*value["signatures"], pair]}), encoding="utf-8")
        assert code(source) in {"parties_signatures", "parties_unreadable"}, key_id


def test_the_same_root_listed_twice_in_the_configuration_is_one_root(tmp_path: Path) -> None:
    source = trusted(tmp_path, NOW, roots=("root1",))
    assert code(replace(source, roots=(source.roots[0],) * 3)) == "parties_signatures"


def test_roots_that_the_file_lists_and_the_configuration_does_not_trust_do_not_count(tmp_path: Path) -> None:
    lines = [key_entry(NOW, name)["ssh"] for name in ("mine1", "mine2", "root1", "root2")]
    source = trusted(tmp_path, NOW, text=parties_text(NOW, root_keys=lines), roots=("mine1", "mine2"))
    assert code(source) == "parties_signatures"


def test_trusted_roots_that_the_file_does_not_list_do_not_count(tmp_path: Path) -> None:
    lines = [key_entry(NOW, name)["ssh"] for name in ("root3", "root1")]
    source = trusted(tmp_path, NOW, text=parties_text(NOW, root_keys=lines))
    assert code(source) == "parties_signatures"


def test_persons_who_sign_the_file_are_no_roots(tmp_path: Path) -> None:
    source = trusted(tmp_path, NOW, roots=("auditor", "risk"))
    keys = tuple(signing_key(name).key_id for name in ("auditor", "risk"))
    assert code(replace(source, roots=keys)) == "parties_signatures"


def test_nobody_trusted_and_nobody_needed_is_not_enough(tmp_path: Path) -> None:
    assert code(replace(trusted(tmp_path, NOW), threshold=0)) == "parties_signatures"


def test_an_altered_file_is_refused(tmp_path: Path) -> None:
    source = trusted(tmp_path, NOW)
    value = json.loads(source.file.read_text("utf-8"))
    altered = base64.b64decode(value["payload"]).replace(b"unit: audit2", b"unit: audit3")
    value["payload"] = base64.b64encode(altered).decode()
    source.file.write_text(json.dumps(value), encoding="utf-8")
    assert code(source) == "parties_signatures"


def test_a_signed_statement_is_no_parties_file(tmp_path: Path) -> None:
    source = trusted(tmp_path, NOW)
    keys = [signing_key("root1"), signing_key("root2")]
    source.file.write_text(sign(parties_text(NOW).encode(), IN_TOTO, keys), encoding="utf-8")
    assert code(source) == "parties_unreadable"


def test_a_signature_for_another_payload_type_does_not_count(tmp_path: Path) -> None:
    source = trusted(tmp_path, NOW)
    keys = [signing_key("root1"), signing_key("root2")]
    signed = parse_envelope(sign(parties_text(NOW).encode(), IN_TOTO, keys))
    source.file.write_text(render(replace(signed, payload_type=PARTIES_TYPE)), encoding="utf-8")
    assert code(source) == "parties_signatures"


@pytest.mark.parametrize(
    ("end", "expected"),
    [
        (NOW + SECOND, ""),
        (NOW, "parties_expired"),
        (NOW - DAY, "parties_expired"),
        (NOW + 90 * DAY, ""),
        (NOW + 90 * DAY + SECOND, "parties_too_long"),
    ],
)
def test_an_expired_file_and_one_whose_end_is_too_far_away_are_refused(
    tmp_path: Path, end: datetime, expected: str
) -> None:
    source = trusted(tmp_path, NOW, text=ends(end))
    if expected:
        assert code(source) == expected
    else:
        assert Trust(source).parties(NOW).expires == end


def test_a_file_ends_while_the_gate_runs(tmp_path: Path) -> None:
    trust = Trust(trusted(tmp_path, NOW))
    assert trust.parties(NOW)
    with pytest.raises(TrustError) as caught:
        trust.parties(NOW + 60 * DAY)
    assert caught.value.code == "parties_expired"


def test_another_file_is_noticed(tmp_path: Path) -> None:
    trust = Trust(trusted(tmp_path, NOW, state=tmp_path / "state"))
    assert trust.parties(NOW).version == 1
    trusted(tmp_path, NOW, text=parties_text(NOW, version=2))
    assert trust.parties(NOW).version == 2
    trusted(tmp_path, NOW, text=parties_text(NOW, version=3), roots=("root1",))
    with pytest.raises(TrustError, match="trusted root keys"):
        trust.parties(NOW)
