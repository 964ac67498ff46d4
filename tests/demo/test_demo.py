# SPDX-License-Identifier: Apache-2.0
"""The whole demo, as somebody runs it who has just installed Qaqpa."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

_PROGRAM = "import sys; from qaqpa.cli.main import main; sys.exit(main(['demo']))"


@pytest.mark.server
def test_the_demo_tells_its_story_and_leaves_nothing(tmp_path: Path) -> None:
    environment = {**os.environ, "TMPDIR": str(tmp_path), "MLFLOW_TRACKING_URI": "http://127.0.0.1:9"}
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM],
        capture_output=True,
        text=True,
        env=environment,
        cwd=tmp_path,
        timeout=180,
        check=False,
    )
    text = " ".join(done.stdout.split())
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    assert text.count("HTTP 403 PERMISSION_DENIED") == 4
    assert text.count("HTTP 200") == 1
    refusals = r"version 1 to production is refused\. Nothing was changed\. Requirements not met: (\d+) of"
    assert re.findall(refusals, text) == ["11", "1"]
    assert re.findall(r"(\d+) open", text) == [str(n) for n in (10, 9, 9, 8, 7, 6, 5, 4, 3, 2, 1, 1, 3, 2, 1, 0)]
    assert "the ratio is 0.63, and at least 0.80 is required" in text
    assert "declared evidence" in text
    assert list(tmp_path.iterdir()) == []
    assert not _processes_that_name(str(tmp_path))


def _processes_that_name(text: str) -> list[str]:
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            command = path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if text in command:
            found.append(command)
    return found
