# SPDX-License-Identifier: Apache-2.0
"""What a run wrote down, as one page: `PYTHONPATH=tests python -m attacks.report_page DIR > page.md`."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from qaqpa.report.markdown_text import escape, table

_HEADERS = ("attack", "way", "by", "answer", "what it said", "stopped by", "registry and files")


def report_document(lines: Sequence[dict[str, Any]]) -> str:
    """A table for each combination of database, login and server."""
    parts = ["# Attacks that were tried\n"]
    for where in sorted({line["where"] for line in lines}):
        own = sorted((line for line in lines if line["where"] == where), key=lambda line: (line["row"], line["attack"]))
        parts.append(f"## {escape(where)}: {len(own)}\n\n{table(_HEADERS, [_cells(line) for line in own])}")
    return "\n".join(parts)


def _cells(line: dict[str, Any]) -> tuple[str, ...]:
    answer = f"{line['status']} {line['code']}".strip()
    found = (line["attack"], line["by_way_of"], line["user"], answer, line["line"], line["stopped_by"])
    return (*map(escape, found), "unchanged" if line["unchanged"] else "CHANGED")


def read(directory: Path) -> list[dict[str, Any]]:
    """All lines that the processes of a run wrote."""
    files = sorted(directory.glob("attacks-*.jsonl"))
    return [json.loads(line) for file in files for line in file.read_text(encoding="utf-8").splitlines()]


if __name__ == "__main__":
    sys.stdout.write(report_document(read(Path(sys.argv[1]))))
