# SPDX-License-Identifier: Apache-2.0
"""`qaqpa new control`: what it writes passes OPA and Regal as it is, and denies until somebody fills it in."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from qaqpa.cli.main import main
from qaqpa.documents import load_schema, read, validate
from qaqpa.policy.fit import check_cards
from qaqpa.policy.index import write_index
from qaqpa.policy.opa import PolicyError, run_opa, run_tests
from qaqpa.resources import POLICIES
from support.opa import require_opa

Capture = pytest.CaptureFixture[str]
ROOT = POLICIES.parent
OWN = ["new", "control", "acme-01", "--family", "own", "--evidence", "bias"]
FILES = {
    "catalog/ACME-01/data.yaml",
    "controls/own/acme_01.rego",
    "controls/own/acme_01_test.rego",
    "law/fill-in-acme-01/data.yaml",
}


def files(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def regal() -> str:
    """Regal of the checkout or on PATH. Without it the test is skipped, but in CI it fails."""
    found = shutil.which("regal", path=f"{ROOT / '.tools' / 'bin'}:{os.environ['PATH']}")
    if not found:
        if os.environ.get("CI") == "true":
            pytest.fail("there is no regal")
        pytest.skip("there is no regal")
    return found


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of what a checkout holds of policies."""
    for name in ("policies", "schemas", ".regal"):
        shutil.copytree(ROOT / name, tmp_path / "checkout" / name)
    return tmp_path / "checkout"


def test_it_writes_all_files_and_says_what_to_do_next(here: Path, capsys: Capture) -> None:
    assert main([*OWN, "--dir", "mine", "--profile", "acme"]) == 0
    assert files(here / "mine") == {*FILES, "profiles/acme/data.yaml"}
    out = capsys.readouterr().out
    assert all(f"wrote mine/{name}\n" in out for name in FILES)
    assert "remove mine/law/fill-in-acme-01, or fill it in" in out
    assert out.endswith("`qaqpa policy test mine`.\n")
    assert "Add to" not in out
    assert not [name for name in files(here / "mine") if "@" in (here / "mine" / name).read_text("utf-8")]


def test_what_it_writes_fits_the_schemas_and_each_other(here: Path) -> None:
    require_opa()
    assert main([*OWN, "--dir", "mine", "--profile", "acme"]) == 0
    for folder, schema in (("catalog/ACME-01", "card"), ("law/fill-in-acme-01", "law"), ("profiles/acme", "profile")):
        validate(read(here / "mine" / folder / "data.yaml"), schema)
    shutil.copytree(POLICIES, here / "policies")
    shutil.copytree(here / "mine", here / "policies", dirs_exist_ok=True)
    with pytest.raises(PolicyError) as caught:
        check_cards(here / "policies", here / "mine")
    assert "this is the text of the template" in str(caught.value).splitlines()[0]
    for path in (here / "mine").glob("*/*/data.yaml"):
        path.write_text(filled_in(path.read_text("utf-8")), encoding="utf-8")
    check_cards(here / "policies", here / "mine")


def filled_in(text: str) -> str:
    """What was left to be filled in, filled in."""
    return re.sub("Fill in|Впишите|толтырыңыз|not written|не написано|жазылмаған", "Own", text)


@pytest.mark.opa
def test_in_a_checkout_it_is_clean_for_opa_and_regal_and_fails_its_own_test(checkout: Path, capsys: Capture) -> None:
    require_opa()
    policies = checkout / "policies"
    assert main([*OWN, "--dir", str(policies), "--profile", "kz"]) == 0
    assert f"Add to {policies}/profiles/kz/data.yaml, under controls: `ACME-01: {{severity: deny}}`" in (
        capsys.readouterr().out
    )
    assert run_opa(["fmt", "--list", "policies"], checkout) == ""
    run_opa(["check", "--strict", "-b", "policies"], checkout)
    linted = subprocess.run(
        [regal(), "lint", "policies"], cwd=checkout, capture_output=True, text=True, check=False, timeout=120
    )
    assert linted.returncode == 0, linted.stdout
    write_index(policies)
    with pytest.raises(PolicyError) as caught:
        run_tests(policies, r"\.acme_01_test\.")
    [failed] = caught.value.found.splitlines()
    assert failed.endswith("qaqpa.controls.acme_01_test.test_passes: FAIL")


@pytest.mark.opa
def test_a_new_kind_is_made_in_a_checkout_only(checkout: Path, here: Path, capsys: Capture) -> None:
    arguments = ["new", "control", "ACME-02", "--family", "safety", "--evidence", "drill", "--dir"]
    assert main([*arguments, "mine"]) == 2
    assert files(here / "mine") == set()
    err = capsys.readouterr().err
    assert "There is no kind of evidence 'drill'" in err
    assert "required: one of audit, " in err
    assert main([*arguments, str(checkout / "policies")]) == 0
    schema = json.loads((checkout / "schemas" / "evidence" / "drill.json").read_bytes())
    assert schema["$id"] == "urn:qaqpa:schema:evidence:drill:v1"
    assert schema["x-qaqpa"] == {"kind": "drill", "binds": ["system"], "actor": "model_owner"}
    assert set(schema) <= set(load_schema("evidence/decision_flow"))
    out = capsys.readouterr().out
    assert "Name it kind.drill in plugin/qaqpa/report/texts/*.json." in out
    assert "`make build`, then `make test`." in out


def test_nothing_is_overwritten(here: Path, capsys: Capture) -> None:
    assert main([*OWN, "--dir", "mine"]) == 0
    (here / "mine" / "controls" / "own" / "acme_01.rego").write_text("mine", encoding="utf-8")
    assert main([*OWN, "--dir", "mine"]) == 2
    assert "The control ACME-01 is there already" in capsys.readouterr().err
    assert (here / "mine" / "controls" / "own" / "acme_01.rego").read_text("utf-8") == "mine"
    other = here / "other" / "law" / "fill-in-acme-01"
    other.mkdir(parents=True)
    (other / "data.yaml").symlink_to(here / "nowhere")
    assert main([*OWN, "--dir", "other"]) == 2
    assert "The file is there already" in capsys.readouterr().err
    assert files(here / "other") == set()


def test_a_profile_of_ones_own_that_is_there_is_left_as_it_is(here: Path, capsys: Capture) -> None:
    profile = here / "mine" / "profiles" / "acme" / "data.yaml"
    profile.parent.mkdir(parents=True)
    profile.write_text("mine", encoding="utf-8")
    assert main([*OWN, "--dir", "mine", "--profile", "acme"]) == 0
    assert profile.read_text("utf-8") == "mine"
    assert "Add to mine/profiles/acme/data.yaml, under controls: " in capsys.readouterr().out


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ({2: "../x-1"}, "'../X-1' cannot be used"),
        ({2: "acme"}, "'ACME' cannot be used"),
        ({2: "TRN-01"}, "The control TRN-01 is there already"),
        ({4: "../own"}, "'../own' cannot be used"),
        ({6: "Bias"}, "'Bias' cannot be used"),
        ({6: "waiver"}, "No control can rest on the kind 'waiver'"),
        ({10: "kz"}, "The profile 'kz' is a shipped one"),
        ({10: "../kz"}, "'../kz' cannot be used"),
    ],
)
def test_names_that_cannot_be_used_are_refused(here: Path, capsys: Capture, change: dict[int, str], found: str) -> None:
    arguments = [*OWN, "--dir", "mine", "--profile", "acme"]
    for position, value in change.items():
        arguments[position] = value
    assert main(arguments) == 2
    assert found in capsys.readouterr().err
    assert files(here / "mine") == set()


def test_an_installed_package_has_to_be_told_where(
    here: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("qaqpa.cli.new.POLICIES", here / "site-packages" / "policies")
    assert main(OWN) == 2
    assert "--dir POLICIES" in capsys.readouterr().err


def test_a_directory_that_cannot_be_written_is_told(here: Path, capsys: Capture) -> None:
    (here / "file").write_text("", encoding="utf-8")
    assert main([*OWN, "--dir", "file"]) == 2
    assert "The file cannot be written" in capsys.readouterr().err
