# SPDX-License-Identifier: Apache-2.0
"""The whole demo, as somebody runs it who has just installed Qaqpa."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

_PROGRAM = "import sys; from qaqpa.cli.main import main; sys.exit(main(['demo']))"

OPEN = list("9887654322113210")
"""How many controls are open after each paper, but the first."""


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
    assert text.count("HTTP 403 PERMISSION_DENIED") == 5
    assert text.count("HTTP 200") == 1
    refusals = r"version 1 to production is refused\. Nothing was changed\. Requirements not met: (\d+) of"
    assert re.findall(refusals, text) == ["11", "2", "1"]
    assert re.findall(r"(\d+) open", text) == ["11", *OPEN]
    assert "the ratio is 0.63, and at least 0.80 is required" in text
    assert (
        "AUD-01 (independent auditor): audit refused: not_independent (model-owner signed it and is recorded as owner "
        "of this model)" in text
    )
    assert re.findall(r"audit \(made up\) about the model and system signed by (\S+) (\d) open", text) == [
        ("model-owner", "2"),
        ("auditor", "1"),
        ("auditor", "1"),
    ]
    assert "system (made up) about the system signed by risk-owner 11 open" in text
    assert "void, about the model: AUD-01, NDQ-02, TRN-01, TRN-02 kept, about the system: ACC-01, AUD-02," in text
    key_id = re.findall(r"risk-owner: (SHA256:[A-Za-z0-9+/]{43}) \$ ssh-keygen -l -f \S+/keys/risk-owner\.pub", text)
    assert len(key_id) == 1
    assert text.count(key_id[0]) == (2 if shutil.which("ssh-keygen") else 1)
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
