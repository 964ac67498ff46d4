# SPDX-License-Identifier: Apache-2.0
"""Runs MLflow's own registry tests with and without the gate, and compares them test by test.

    .venv/bin/python tools/conformance/run.py TREE [--only MODE …] [--on DATABASE …] [--test FILE …] [--keep DIR]

TREE is a checkout of MLflow, best of the installed version: `git clone --depth 1 -b v3.17.2 …`. Its tests are copied,
so that the installed MLflow is tested and not the one beside them. Exit code 0: with the gate the same tests pass, fail
and are skipped as without it, but for those in `EXPECTED`; 3: they differ.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.metadata
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta, timezone
from pathlib import Path
from xml.etree import ElementTree as ET

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]

TESTS = (
    "tests/store/model_registry/test_sqlalchemy_store.py",
    "tests/store/model_registry/test_sqlalchemy_workspace_store.py",
    "tests/store/workspace/test_sqlalchemy_store.py",
    "tests/tracking/test_model_registry.py",
    "tests/tracking/test_workspace_registry.py",
    "tests/server/test_handlers.py",
)
"""The stores, and the registry's handlers of the REST interface: over HTTP, and each with a mocked store."""

ON_POSTGRESQL = TESTS[:1]
"""The only ones that take another database than SQLite."""

MODES = ("plain", "class", "uri", "observe", "deny")

CONFIGURATION = """\
version: 1
gates:
  - stage: production
    profiles: [article-baseline]
    aliases: ["*"]
    mlflow_stages: [Staging, Production]
    names: ["*"]
"""
"""Everything that can be gated is."""

OBSERVED = "observe:\n  - models: ['*']\n    until: {until}\n"

EXPECTED: Mapping[str, str] = {
    "test_get_latest_versions|test_latest_models|test_transition_model_version_stage_when_archive": (
        "is in the stage (Staging|Production) already, and MLflow would serve the newer of the two"
    ),
}
"""What differs on purpose where a gated stage enforces, by the test's name, and what the test must have been told.

These tests put two versions into one stage. Taking the newer one out would put the older one into production without a
decision, so the gate refuses the second one, whatever a policy says.
"""

Results = dict[str, tuple[str, str]]
"""By test: passed, failed or skipped; and with which message."""


def main() -> int:
    """Runs the modes that were asked for, and prints what came out."""
    args = _arguments()
    tree = Path(args.tree).resolve()
    tests = [test for test in args.test or TESTS if (tree / test).is_file()]
    if not tests:
        print(f"{tree} holds none of {', '.join(TESTS)}", file=sys.stderr)
        return 2
    print(f"MLflow {importlib.metadata.version('mlflow')}, tests of {_version(tree)}")
    with _scratch(args.keep) as scratch:
        shutil.copytree(tree / "tests", scratch / "tests", dirs_exist_ok=True)
        (scratch / "pytest.ini").write_text("[pytest]\n")
        same = [True]
        if "sqlite" in (args.on or ["sqlite"]):
            same.append(_compared(scratch, "SQLite", tests, args.only, ""))
        if "postgresql" in (args.on or []):
            with _postgresql() as database:
                same.append(
                    _compared(scratch, "PostgreSQL", [t for t in tests if t in ON_POSTGRESQL], args.only, database)
                )
    return 0 if all(same) else 3


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("tree", metavar="TREE", help="a checkout of MLflow")
    parser.add_argument("--only", action="append", choices=MODES, help="repeatable; all by default")
    parser.add_argument(
        "--on",
        action="append",
        choices=["sqlite", "postgresql"],
        help="repeatable; SQLite by default, or a new PostgreSQL",
    )
    parser.add_argument("--test", action="append", choices=TESTS, help="repeatable; all by default")
    parser.add_argument("--keep", metavar="DIR", help="keep the copy, the logs and the results there")
    return parser.parse_args()


def _compared(scratch: Path, title: str, tests: list[str], only: list[str] | None, database: str) -> bool:
    found: dict[str, Results] = {}
    for mode in only or MODES:
        found[mode] = _run(scratch, f"{title.lower()}-{mode}", mode, tests, database)
        counts = Counter(result for result, _ in found[mode].values())
        print(
            f"{title:11} {mode:8} {counts['passed']:5} passed {counts['failed']:4} failed {counts['skipped']:4} skipped"
        )
    if "plain" not in found:
        return True
    # A list: all differences are told, not those up to the first mode that has one.
    same = [_same(title, mode, found["plain"], results) for mode, results in found.items()]
    return all(same)


def _same(title: str, mode: str, plain: Results, other: Results) -> bool:
    """Prints what differs, and why. With `deny` something has to, or the gate was not there."""
    nothing = ("absent", "")
    different = [
        name for name in sorted({*plain, *other}) if plain.get(name, nothing)[0] != other.get(name, nothing)[0]
    ]
    if mode == "deny":
        print(f"{title} deny: {len(different)} tests differ")
        return bool(different)
    unexpected = 0
    for name in different:
        result, message = other.get(name, nothing)
        is_expected = any(re.search(test, name) and re.search(text, message) for test, text in EXPECTED.items())
        unexpected += not is_expected
        kind = "on purpose" if is_expected else "DIFFERENT"
        before = plain.get(name, nothing)[0]
        print(f"{title} {mode}: {kind}: {name}: {before} without, {result} with the gate: {message[:300]}")
    return not unexpected


def _run(scratch: Path, name: str, mode: str, tests: list[str], database: str) -> Results:
    state = scratch / name
    state.mkdir(exist_ok=True)
    (state / "qaqpa.yaml").write_text(CONFIGURATION + (_observed() if mode == "observe" else ""))
    report = state / "report.xml"
    environment = {
        **{key: value for key, value in os.environ.items() if not key.startswith(("MLFLOW_", "_MLFLOW_", "QAQPA_"))},
        "PYTHONPATH": os.pathsep.join([str(HERE), str(ROOT / "plugin")]),
        "QAQPA_CONFORMANCE": mode,
        "QAQPA_CONFIG": str(state / "qaqpa.yaml"),
        "QAQPA_LOG": f"sqlite:///{state}/decisions.db",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        **({"MLFLOW_TRACKING_URI": database} if database else {}),
    }
    command = [sys.executable, "-m", "pytest", "-c", "pytest.ini", "--rootdir=.", "-p", "swapped", "-q"]
    command += ["-p", "no:cacheprovider", "--timeout=600", f"--junitxml={report}", *tests]
    with (state / "output").open("wb") as output:
        subprocess.run(command, cwd=scratch, env=environment, stdout=output, stderr=subprocess.STDOUT, check=False)
    if not report.is_file():
        sys.exit(f"pytest did not run: {(state / 'output').read_text(errors='replace')[-2000:]}")
    return {f"{case.get('classname')}::{case.get('name')}": _result(case) for case in ET.parse(report).iter("testcase")}  # noqa: S314 - our own


def _result(case: ET.Element) -> tuple[str, str]:
    for child in case:
        if child.tag in {"failure", "error"}:
            return "failed", child.get("message") or ""
    return ("passed" if case.find("skipped") is None else "skipped"), ""


def _observed() -> str:
    return OBSERVED.format(until=(datetime.now(timezone.utc) + timedelta(days=30)).date())


def _version(tree: Path) -> str:
    file = tree / "mlflow" / "version.py"
    match = re.search(r'^VERSION = "([^"]+)"', file.read_text(), re.MULTILINE) if file.is_file() else None
    return match[1] if match else "an unknown version"


@contextlib.contextmanager
def _scratch(keep: str | None) -> Iterator[Path]:
    if keep:
        Path(keep).mkdir(parents=True, exist_ok=True)
        yield Path(keep).resolve()
        return
    with tempfile.TemporaryDirectory(prefix="qaqpa-conformance-") as directory:
        yield Path(directory)


@contextlib.contextmanager
def _postgresql() -> Iterator[str]:
    sys.path.insert(0, str(ROOT / "tests"))
    from support.servers import postgresql

    with postgresql() as new:
        yield new("psycopg2", "conformance")


if __name__ == "__main__":
    sys.exit(main())
