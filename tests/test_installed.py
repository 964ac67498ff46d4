# SPDX-License-Identifier: Apache-2.0
"""An installed wheel needs no checkout: policies, schemas, compiled policy and demo data are inside it."""

from __future__ import annotations

import os
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
NEEDED = (
    "qaqpa/_data/policies/gate/decision.rego",
    "qaqpa/_data/policies/profiles/article-baseline/data.yaml",
    "qaqpa/_data/schemas/evidence/audit.json",
    "qaqpa/_data/schemas/decision.json",
    "qaqpa/_data/schemas/report.json",
    "qaqpa/report/page_files/report.html",
    "qaqpa/report/page_files/report.css",
    "qaqpa/policy/compiled/policy.wasm",
    "qaqpa/policy/compiled/manifest.json",
    "qaqpa/policy/capabilities.json",
    "qaqpa/report/texts/en.json",
    "qaqpa/report/texts/kk.json",
    "qaqpa/cli/templates/rule.txt",
    "qaqpa/demo/data/boston_hmda.csv",
    "qaqpa/demo/data/boston_hmda.csv-metadata.json",
    "qaqpa/demo/documents/release_approval.yaml",
    "qaqpa/py.typed",
)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("wheel")
    pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(out), str(ROOT)]
    subprocess.run(pip, check=True, timeout=280)
    return next(out.glob("qaqpa-*.whl"))


def test_the_wheel_holds_all_data(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    assert [name for name in NEEDED if name not in names] == []
    assert not [name for name in names if name.endswith(".pyc") or "/tests/" in name]


def test_the_core_checks_a_directory_without_mlflow_and_without_a_checkout(wheel: Path, tmp_path: Path) -> None:
    venv.create(tmp_path / "venv", with_pip=True)
    binaries = tmp_path / "venv" / "bin"
    subprocess.run([binaries / "pip", "install", "--quiet", str(wheel)], check=True, timeout=280)
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "QAQPA"))}

    def qaqpa(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [binaries / "qaqpa", *arguments]
        return subprocess.run(command, cwd=tmp_path, env=clean, capture_output=True, text=True, check=False, timeout=60)

    example = ROOT / "examples" / "credit-scoring"
    denied = qaqpa("check", str(example / "failing"), "--as-of", "2026-11-23")
    assert (denied.returncode, denied.stderr) == (3, "")
    assert "NDQ-02" in denied.stdout
    assert qaqpa("check", str(example / "mended"), "--as-of", "2026-11-23").returncode == 0
    registry = qaqpa("check", "models:/credit/1")
    assert registry.returncode == 2
    assert "pip install '.[mlflow]' in its checkout" in registry.stderr
    assert "qaqpa[" not in registry.stderr, "the name is on no index, so anybody could register it"
