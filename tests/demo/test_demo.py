# SPDX-License-Identifier: Apache-2.0
"""The whole demo, as somebody runs it who has just installed Qaqpa."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest

_PROGRAM = "import sys; from qaqpa.cli.main import main; sys.exit(main(['demo']))"

OPEN = [str(number) for number in (23, 21, 20, 20, 14, 12, 8, 7, 3, 3, 2, 1, 1, 2, 1, 0)]
"""How many controls are open after the papers of each signer; the last three are those of the second version."""


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
    refusals = r"version (\d) to production is refused\. Nothing was changed\. Requirements not met: (\d+) of 23"
    assert re.findall(refusals, text) == [("1", "23"), ("1", "3"), ("1", "1"), ("2", "7"), ("2", "7")]
    assert re.findall(r"(\d+) open", text) == OPEN
    assert "approver release_approval (ACC-02) independent auditor audit (AUD-01)" in text
    assert "By race, Black is selected in 45.6 % (77 of 169)" in text
    assert "the ratio is 0.63, and at least 0.80 is required" in text
    assert "the ratio is 0.89, and at least 0.80 is required" in text
    assert (
        "AUD-01 (independent auditor): audit refused: not_independent (model-owner signed it and is recorded as owner "
        "of this model)" in text
    )
    assert re.findall(r"the model and the system; made up: (\S+) audit (\d) open", text) == [
        ("model-owner", "3"),
        ("auditor", "2"),
        ("auditor", "1"),
    ]
    assert "about the system; made up: risk-owner system 23 open model-owner responsibility 21 open" in text
    assert "ml-engineer datasheets, evaluation, explanation, model_card 3 open" in text
    assert text.count("the stage; made up: head-of-retail, release_approval") == 2
    assert "ACC-02, AUD-01, NDQ-01, NDQ-02, SRS-02, TRN-01, TRN-02 kept, about the system: ACC-01, AUD-02," in text
    assert "Warnings stay (NDQ-01, NDQ-02, TRN-02)" in text
    lacking = r"--profile (\S+) no papers for (\d+) of (\d+) requirements"
    assert re.findall(lacking, text) == [("kz", "7", "28"), ("gdpr", "4", "13"), ("eu-ai-act-high-risk", "5", "21")]
    if date.today() < date(2027, 12, 2):  # noqa: DTZ011 - near enough
        assert "3 would deny from 2027-12-02 DOC-02, DOC-04, IMP-02" in text
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
