# SPDX-License-Identifier: Apache-2.0
"""Letters change their case in one place only, since the engines do not do it alike."""

from __future__ import annotations

import re

from qaqpa.resources import POLICIES

CASE = re.compile(r"\b(lower|upper)\(")


def test_only_the_library_changes_the_case_of_letters() -> None:
    allowed = {"lib/fields.rego"}
    calling = {
        path.relative_to(POLICIES).as_posix()
        for path in POLICIES.rglob("*.rego")
        if CASE.search(path.read_text("utf-8"))
    }
    assert calling == allowed
