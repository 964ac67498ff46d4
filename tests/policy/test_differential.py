# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import re
from pathlib import Path

import pytest

from qaqpa.policy.differential import run_tests_on_both
from qaqpa.policy.opa import PolicyError, run_opa
from support.opa import require_opa

pytestmark = pytest.mark.opa


@pytest.fixture
def policies(tmp_path: Path) -> Path:
    require_opa()
    folder = tmp_path / "policies"
    folder.mkdir()
    (folder / "a_test.rego").write_text("package a_test\n\ntest_one if 1 == 1\n\ntest_two if 2 == 2\n")
    return folder


def add(policies: Path, text: str) -> None:
    file = policies / "a_test.rego"
    file.write_text(file.read_text() + text)


def test_tests_that_hold_are_listed(policies: Path) -> None:
    assert run_tests_on_both(policies) == ["a_test/test_one", "a_test/test_two"]


def test_only_failed_tests_are_shown_a_line_each(policies: Path) -> None:
    add(policies, "test_bad if 1 == 2\n\ntest_worse if _f({1, 2}) == 1\n\n_f(xs) := x if some x in xs\n")
    with pytest.raises(PolicyError) as caught:
        run_tests_on_both(policies)
    bad, worse = caught.value.found.split("\n")
    assert bad == "policies/a_test.rego:6: a_test.test_bad: FAIL"
    assert worse.startswith("policies/a_test.rego:8: a_test.test_worse: ERROR (eval_conflict_error: functions must")


def test_test_that_is_put_off_does_not_pass(policies: Path) -> None:
    add(policies, "todo_test_three if 1 == 1\n")
    with pytest.raises(PolicyError) as caught:
        run_tests_on_both(policies)
    assert caught.value.found == "policies/a_test.rego:6: a_test.todo_test_three: SKIPPED"


def test_at_most_twenty_failed_tests_are_shown(policies: Path) -> None:
    add(policies, "".join(f"test_bad_{number} if 1 == 2\n" for number in range(23)))
    with pytest.raises(PolicyError) as caught:
        run_tests_on_both(policies)
    lines = caught.value.found.split("\n")
    assert len(lines) == 21
    assert all(re.fullmatch(r"policies/a_test\.rego:\d+: a_test\.test_bad_\d+: FAIL", line) for line in lines[:20])
    assert lines[20] == "and 3 more"


def test_no_test_at_all_is_refused(policies: Path) -> None:
    (policies / "a_test.rego").write_text("package a_test\n")
    with pytest.raises(PolicyError, match="opa test failed"):
        run_tests_on_both(policies)


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("test_bad if ((\n", [r"policies/a_test\.rego:\d+: rego_parse_error: .*"]),
        (
            "test_bad if x > 1\ntest_worse if y > 1\n",
            [r"policies/a_test\.rego:\d+: rego_unsafe_var_error: var . is unsafe"] * 2,
        ),
        ("test_bad if object.get(1, 2, 3)\n", [r"policies/a_test\.rego:6: rego_type_error: .*"]),
    ],
)
def test_of_rego_errors_only_opas_own_lines_are_shown(policies: Path, text: str, lines: list[str]) -> None:
    add(policies, text)
    with pytest.raises(PolicyError) as caught:
        run_tests_on_both(policies)
    shown = caught.value.found.split("\n")
    assert len(shown) == len(lines)
    assert all(re.fullmatch(pattern, line) for pattern, line in zip(lines, shown, strict=True)), shown


def test_errors_that_opa_prints_as_json_become_lines(policies: Path) -> None:
    (policies / "a.rego").write_text("package a\n\nx if ((\n")
    with pytest.raises(PolicyError) as caught:
        run_opa(["parse", "--format", "json", "policies/a.rego"], policies.parent)
    assert re.fullmatch(r"policies/a\.rego:\d+: rego_parse_error: [^\n]*", caught.value.found)
