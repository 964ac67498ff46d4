# SPDX-License-Identifier: Apache-2.0
"""The generated documentation in the checkout is what its policies give."""

from __future__ import annotations

from pathlib import Path

import pytest

from qaqpa.docs.__main__ import main

DOCS = Path(__file__).parents[2] / "docs"


def test_the_documentation_of_the_checkout_is_up_to_date(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path)]) == 0
    fresh = {path.relative_to(tmp_path): path.read_text("utf-8") for path in tmp_path.rglob("*.md")}
    assert f"{len(fresh)} files in " in capsys.readouterr().out
    looked_at = [*DOCS.glob("controls/*.md"), *DOCS.glob("*.md"), DOCS / "guides" / "write-paths.md"]
    there = {path.relative_to(DOCS) for path in looked_at}
    differing = [
        str(name) for name in sorted(fresh) if name not in there or (DOCS / name).read_text("utf-8") != fresh[name]
    ]
    assert differing == [], "run `make docs`"
    stale = {name for name in there if name.parent.name == "controls"} - fresh.keys()
    assert stale == set(), "run `make docs`"
