# SPDX-License-Identifier: Apache-2.0
"""Tests delete nothing of the machine on which they run, whatever is broken in what they test."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest


@pytest.mark.parametrize("place", ["{home}", "{tmp}/link", "{tmp}/.."])
def test_a_directory_that_is_not_the_test_s_own_cannot_be_deleted(
    place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Where the hook is missing, the functions that delete are too.
    monkeypatch.setattr(shutil, "_rmtree_safe_fd", lambda *_: None, raising=False)
    monkeypatch.setattr(shutil, "_rmtree_unsafe", lambda *_: None, raising=False)
    monkeypatch.setattr(os, "rmdir", lambda *_, **__: None)
    (tmp_path / "link").symlink_to(Path(__file__).parent)
    inside = place.format(home=Path(__file__).parent, tmp=tmp_path)
    if place.endswith(".."):
        shutil.rmtree(inside)
        return
    with pytest.raises(PermissionError, match="a test wants to delete"):
        shutil.rmtree(inside)
