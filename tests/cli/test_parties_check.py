# SPDX-License-Identifier: Apache-2.0
"""`qaqpa parties check`: what is wrong with a parties file, and what its authors may not have meant."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from qaqpa import times
from qaqpa.cli.main import main
from qaqpa.evidence.kinds import kinds
from support.keyring import (
    key_entry,
    organisation,
    person,
    public_line,
    signing_key,
    to_yaml,
)
from support.parties_files import configured, written


def test_check_has_nothing_to_say_about_a_good_file(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = written(here)
    configured(here)
    assert main(["parties", "check", str(path)]) == 0
    said = capsys.readouterr()
    first, *more = said.out.splitlines()
    assert first.endswith("persons 24, services 1, rules 39, root keys 3")
    assert more == ["Nothing is wrong with it."], "that nobody trusts root3 is no mistake"
    assert said.err == ""


@pytest.mark.parametrize(
    ("expires", "code", "found"),
    [(91, 2, "error: The parties file ends on"), (-1, 2, "error: The parties file ended on"), (5, 0, "ends soon")],
)
def test_check_says_when_the_end_does_not_fit(
    here: Path, capsys: pytest.CaptureFixture[str], expires: int, code: int, found: str
) -> None:
    path = written(here, expires=times.render(times.now() + timedelta(days=expires)))
    assert main(["parties", "check", str(path)]) == code
    assert found in capsys.readouterr().out


def test_check_warns_of_what_its_authors_may_not_have_meant(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    now = times.now()
    value = organisation(now)
    soon, past = times.render(now + timedelta(days=10)), times.render(now - timedelta(days=1))
    person(value, "trainer")["keys"] = [key_entry(now, "trainer", valid_until=soon)]
    person(value, "dpo")["keys"] = [key_entry(now, "dpo", revoked={"at": past, "reason": "left"})]
    person(value, "oversight")["keys"] = [key_entry(now, "oversight", valid_until=past)]
    value["rules"]["audit"] = {"roles": ["auditor"], "max_age_days": 90, "independent_of": ["trainer", "deployer"]}
    del value["rules"]["bias"]
    path = here / "parties.yaml"
    path.write_text(to_yaml(value), encoding="utf-8")
    assert main(["parties", "check", str(path)]) == 0
    warnings = [line for line in capsys.readouterr().out.split("\n") if line.startswith("warning: ")]
    assert [warning.split(";")[0] for warning in warnings] == [
        f"warning: The key {signing_key('trainer').key_id} of trainer ends soon, on {soon}.",
        "warning: The rule for audit lacks independent_of: owner, other_unit: true",
        *(
            f"warning: Nobody can fulfil the rule for {name}: 1 must sign, and 0 with one of the roles {role} have a "
            "valid key."
            for name in value["rules"]
            if (role := kinds()[name].actor) in {"dpo", "oversight_lead"}
        ),
        "warning: There is no rule for bias",
    ]


def test_check_says_which_line_is_broken(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = written(here)
    path.write_text(path.read_text("utf-8").replace("- dpo\n", "- boss\n", 1), encoding="utf-8")
    line = path.read_text("utf-8").split("\n").index("  - boss") + 1
    assert main(["parties", "check", str(path)]) == 2
    assert f"{path}:{line}:5: parties.5.roles.0" in capsys.readouterr().err


def test_check_compares_with_what_the_configuration_trusts(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = written(here, root_keys=[public_line("root1"), public_line("root3")])
    configured(here, minimum=2)
    assert main(["parties", "check", str(path)]) == 2
    out = capsys.readouterr().out
    assert "error: The configuration asks for version 2 or higher." in out
    assert "error: 2 trusted root keys must sign, and root_keys holds 1 of them" in out


def test_check_warns_of_a_trusted_root_whose_signature_could_not_count(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = written(here, root_keys=[public_line("root1")])
    configured(here, threshold=1)
    assert main(["parties", "check", str(path)]) == 0
    lacking = f"warning: root_keys lacks the trusted root key {signing_key('root2').key_id}"
    assert lacking in capsys.readouterr().out
