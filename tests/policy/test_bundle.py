# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from qaqpa.errors import UndecidedError
from qaqpa.policy.bundle import DATA, MANIFEST, WASM, Catalog, load_bundle, policy_digest
from qaqpa.resources import COMPILED


@pytest.fixture
def policies(tmp_path: Path) -> Path:
    folder = tmp_path / "policies"
    (folder / "lib").mkdir(parents=True)
    (folder / "lib" / "a.rego").write_text("package a\n")
    (folder / "data.yaml").write_text("x: 1\n")
    return folder


def test_digest_is_dir_hash_over_the_files_that_decide(policies: Path) -> None:
    # printf '%s  %s\n' with sha256sum of both files, sorted by name, then sha256sum.
    assert policy_digest(policies) == "f30bf60bd689149039ca2591068ca71ba985014f3e5345261b02da3a24e3efe9"


@pytest.mark.parametrize("name", ["lib/a_test.rego", "README.md", "lib/b.rego.orig"])
def test_files_that_do_not_decide_do_not_change_the_digest(policies: Path, name: str) -> None:
    before = policy_digest(policies)
    (policies / name).write_text("package b\n")
    assert policy_digest(policies) == before


@pytest.mark.parametrize("name", ["lib/b.rego", "lib/data.json", ".manifest"])
def test_files_that_decide_change_the_digest(policies: Path, name: str) -> None:
    before = policy_digest(policies)
    (policies / name).write_text("{}")
    assert policy_digest(policies) != before


def test_renamed_file_changes_the_digest(policies: Path) -> None:
    before = policy_digest(policies)
    (policies / "lib" / "a.rego").rename(policies / "lib" / "c.rego")
    assert policy_digest(policies) != before


def test_shipped_bundle_loads_with_its_catalog() -> None:
    bundle = load_bundle()
    assert bundle.catalog.asked(["article-baseline"])
    assert set(bundle.catalog.asked(["article-baseline"])) <= set(bundle.catalog.controls)


@pytest.mark.parametrize("name", [WASM, DATA])
def test_damaged_file_is_refused_and_says_how_to_mend(tmp_path: Path, name: str) -> None:
    shutil.copytree(COMPILED, tmp_path / "c")
    with (tmp_path / "c" / name).open("ab") as file:
        file.write(b" ")
    with pytest.raises(UndecidedError, match=f"{name} is not the file that the manifest names.*qaqpa policy build"):
        load_bundle(tmp_path / "c")


@pytest.mark.parametrize("name", [WASM, DATA, MANIFEST])
def test_missing_file_is_refused(tmp_path: Path, name: str) -> None:
    shutil.copytree(COMPILED, tmp_path / "c")
    (tmp_path / "c" / name).unlink()
    with pytest.raises(UndecidedError, match="cannot be read"):
        load_bundle(tmp_path / "c")


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"policy_digest": "a", "opa": "1", "sha256": []}'])
def test_broken_manifest_is_refused(tmp_path: Path, text: str) -> None:
    shutil.copytree(COMPILED, tmp_path / "c")
    (tmp_path / "c" / MANIFEST).write_text(text)
    with pytest.raises(UndecidedError, match="cannot be read"):
        load_bundle(tmp_path / "c")


def test_catalog_tells_which_profiles_ask_for_a_control() -> None:
    catalog = Catalog({}, {"a": {"controls": {"X": {"severity": "deny"}}}, "b": {"controls": {"X": {}, "Y": {}}}}, {})
    assert catalog.known(["b", "a", "b", "nowhere"]) == ["a", "b"]
    assert catalog.asked(["b", "a", "nowhere"]) == {"X": {"a": {"severity": "deny"}, "b": {}}, "Y": {"b": {}}}
