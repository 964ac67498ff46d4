# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import os
from pathlib import Path

import pytest

from qaqpa.errors import UsageError
from qaqpa.review import tree as module
from qaqpa.review.tree import models_among, models_below

FILES = (
    "credit/context.yaml",
    "credit/evidence/audit.yaml",
    "credit/evidence/deep/context.yaml",
    "credit/model/context.yaml",
    "credit/documents/inner/context.yaml",
    "bare/evidence/audit.json",
    "code/evidence/audit.py",
    "code/evidence/.hidden.yaml",
    ".hidden/context.yaml",
    "deep/er/still/context.yaml",
    "evidence/x/context.yaml",
    "model/context.yaml",
    "notes.md",
)
FOUND = ["bare", "credit", "credit/documents/inner", "deep/er/still", "evidence/x", "model"]


def write(root: Path, *files: str) -> None:
    for file in files:
        (root / file).parent.mkdir(parents=True, exist_ok=True)
        (root / file).write_text("", encoding="utf-8")


def test_work_tree_and_commit_have_the_same_rule(tmp_path: Path) -> None:
    write(tmp_path, *FILES)
    assert models_below(tmp_path) == FOUND
    assert models_among(FILES) == FOUND


def test_the_tree_may_be_a_model_itself(tmp_path: Path) -> None:
    files = ("context.yaml", "model/context.yaml", "evidence/context.yaml", "other/context.yaml")
    write(tmp_path, *files)
    assert models_below(tmp_path) == models_among(files) == [".", "other"]


def test_what_is_no_directory_is_refused(tmp_path: Path) -> None:
    write(tmp_path, "file")
    (tmp_path / "link").symlink_to(tmp_path)
    for name in ("file", "none", "link"):
        with pytest.raises(UsageError, match=name):
            models_below(tmp_path / name)


@pytest.mark.parametrize("name", ["context.yaml", "evidence", "model", "folder"])
def test_a_link_that_could_lead_elsewhere_is_refused(tmp_path: Path, name: str) -> None:
    write(tmp_path / "elsewhere", "context.yaml")
    write(tmp_path / "tree" / "credit", "notes.md")
    (tmp_path / "tree" / "credit" / name).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(UsageError, match=f"credit/{name}: This is a symbolic link"):
        models_below(tmp_path / "tree")


def test_other_links_are_passed_over(tmp_path: Path) -> None:
    write(tmp_path, "credit/context.yaml")
    (tmp_path / "credit" / "README.md").symlink_to("context.yaml")
    (tmp_path / "dangling").symlink_to("none")
    (tmp_path / "loop").symlink_to("loop")
    assert models_below(tmp_path) == ["credit"]


def test_too_deep_too_many_and_unreadable_are_clear_errors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "deep", "/".join([*["x"] * (module.MAX_DEPTH + 1), "context.yaml"]))
    with pytest.raises(UsageError, match="too deep"):
        models_below(tmp_path / "deep")
    write(tmp_path / "many", *(f"{number}/context.yaml" for number in range(5)))
    monkeypatch.setattr(module, "MAX_MODELS", 4)
    with pytest.raises(UsageError, match="5 models are too many"):
        models_below(tmp_path / "many")
    with pytest.raises(UsageError, match="5 models are too many"):
        models_among(f"{number}/context.yaml" for number in range(5))
    monkeypatch.setattr(module, "MAX_ENTRIES", 7)
    with pytest.raises(UsageError, match="more than 7"):
        models_below(tmp_path / "many")


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_directory_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    (tmp_path / "closed").mkdir(mode=0o000)
    with pytest.raises(UsageError, match="cannot be read"):
        models_below(tmp_path)
