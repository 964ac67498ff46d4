# SPDX-License-Identifier: Apache-2.0
"""Tests delete nothing of the machine on which they run, whatever is broken in what they test."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest


@pytest.mark.parametrize("place", ["/", "/usr", "{tmp}/link", "{tmp}/../../../../../../usr"])
def test_a_directory_that_is_not_the_test_s_own_cannot_be_deleted(place: str, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("/usr")
    # As `shutil.rmtree` says it before it begins; here nothing is begun.
    with pytest.raises(PermissionError, match="a test wants to delete"):
        sys.audit("shutil.rmtree", place.format(tmp=tmp_path), None)


def test_a_test_s_own_directory_can(tmp_path: Path) -> None:
    sys.audit("shutil.rmtree", str(tmp_path / "some"), None)
