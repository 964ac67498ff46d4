# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from pathlib import Path

import pytest

from qaqpa.policy.index import INDEX, control_id, control_names, render_index
from qaqpa.policy.opa import PolicyError, run_opa
from qaqpa.resources import POLICIES
from support.opa import require_opa


def put(policies: Path, name: str, text: str) -> None:
    (policies / name).parent.mkdir(parents=True, exist_ok=True)
    (policies / name).write_text(text)


def test_index_of_the_checkout_is_up_to_date() -> None:
    written = (POLICIES / INDEX).read_text("utf-8")
    assert written == render_index(control_names(POLICIES)), "run `python -m qaqpa.policy.compile`"


@pytest.mark.opa
def test_index_is_as_opa_fmt_writes_it(tmp_path: Path) -> None:
    require_opa()
    put(tmp_path, "index.rego", render_index(["ndq_02", "acme_own_1"]))
    assert run_opa(["fmt", "--list", "index.rego"], tmp_path) == ""


def test_names_are_sorted_and_tests_left_out(tmp_path: Path) -> None:
    for name in ("trn_01", "acc_01"):
        put(tmp_path, f"controls/f/{name}.rego", f"package qaqpa.controls.{name}\n")
        put(tmp_path, f"controls/f/{name}_test.rego", f"package qaqpa.controls.{name}_test\n")
    assert control_names(tmp_path) == ["acc_01", "trn_01"]
    assert control_id("acc_01") == "ACC-01"


@pytest.mark.parametrize(
    ("name", "package"),
    [("acc_01", "acc_02"), ("Acc_01", "Acc_01"), ("acc-01", "acc-01"), ("acc_01", 'acc_01"].x["')],
)
def test_name_that_does_not_fit_the_package_is_refused(tmp_path: Path, name: str, package: str) -> None:
    put(tmp_path, f"controls/f/{name}.rego", f"package qaqpa.controls.{package}\n")
    with pytest.raises(PolicyError, match="does not hold the control"):
        control_names(tmp_path)


@pytest.mark.parametrize(
    "head",
    [
        " package qaqpa.controls.ndq_02\n",
        "\tpackage qaqpa.controls.ndq_02\n",
        "package\n qaqpa.controls.ndq_02\n",
        "package\rqaqpa.controls.ndq_02\n",
        'package qaqpa.controls["ndq_02"]\n',
        "# a comment\rpackage qaqpa.controls.acc_01\n package qaqpa.controls.ndq_02\n",
        "\ufeffpackage qaqpa.controls.ndq_02\n",
    ],
)
def test_only_the_package_statement_itself_names_the_package(tmp_path: Path, head: str) -> None:
    path = tmp_path / "controls" / "f" / "acc_01.rego"
    path.parent.mkdir(parents=True)
    path.write_bytes(f"{head}\n_text := `\npackage qaqpa.controls.acc_01\n`\n".encode())
    with pytest.raises(PolicyError, match="does not hold the control"):
        control_names(tmp_path)


def test_comments_may_stand_before_the_package(tmp_path: Path) -> None:
    put(tmp_path, "controls/f/acc_01.rego", "# METADATA\n\n  # title: x\npackage qaqpa.controls.acc_01\n")
    assert control_names(tmp_path) == ["acc_01"]


def test_control_that_stands_twice_is_refused(tmp_path: Path) -> None:
    for family in ("f", "g"):
        put(tmp_path, f"controls/{family}/acc_01.rego", "package qaqpa.controls.acc_01\n")
    with pytest.raises(PolicyError, match="ACC-01 stands twice"):
        control_names(tmp_path)
