# SPDX-License-Identifier: Apache-2.0
"""Directories of evidence as people write them, for the command line."""

from __future__ import annotations

import json
from collections.abc import Collection
from datetime import datetime
from pathlib import Path

from qaqpa import times
from support.contents import contents, context


def write_system(root: Path, *, now: datetime | None = None, without: Collection[str] = ()) -> Path:
    """Context, a draft of every kind, and a model; all of it would pass at review."""
    (root / "evidence").mkdir(parents=True)
    (root / "model").mkdir()
    (root / "model" / "MLmodel").write_text("flavors: {}\n", encoding="utf-8")
    write_yaml(root / "context.yaml", context())
    for kind, content in contents(now or times.now()).items():
        if kind not in without:
            write_yaml(root / "evidence" / f"{kind}.yaml", content)
    return root


def write_yaml(path: Path, content: dict[str, object]) -> None:
    """A YAML file with one field on a line."""
    lines = [f"{name}: {json.dumps(value, ensure_ascii=False)}\n" for name, value in content.items()]
    path.write_text("".join(lines), encoding="utf-8")
