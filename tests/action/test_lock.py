# SPDX-License-Identifier: Apache-2.0
"""The lock files that the action and the image install from: complete, with hashes, without the address of an index."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from support.gate_action import GATE, ROOT

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

LOCKS = {
    GATE / "requirements.lock": (),
    GATE / "requirements-mlflow.lock": ("mlflow",),
    ROOT / "deploy" / "requirements.lock": ("mlflow", "metrics", "opa", "log", "server"),
}
NAMES = ["-".join(path.parts[-2:]) for path in LOCKS]
PYTHONS = ["3.10", "3.11", "3.12", "3.13"]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))


def entries(lock: str) -> Iterator[tuple[Requirement, list[str]]]:
    """Each requirement of a lock file with its hashes."""
    for entry in re.split(r"\n(?=[^\s#])", re.sub(r"(?m)^\s*#.*\n?", "", lock).strip()):
        requirement, *hashes = re.split(r"\s*\\\n\s+--hash=", entry.strip())
        yield Requirement(requirement), hashes


def missing(lock: str, extras: tuple[str, ...], python: str) -> list[str]:
    """What the project needs under a Python and the lock file does not name in a version that fits."""
    environment = {"python_version": python, "python_full_version": f"{python}.1"}
    pinned = {
        canonicalize_name(found.name): Version(next(iter(found.specifier)).version)
        for found, _ in entries(lock)
        if found.marker is None or found.marker.evaluate(environment)
    }
    project = PROJECT["project"]
    wanted = [*project["dependencies"], *PROJECT["build-system"]["requires"]]
    wanted += [line for extra in extras for line in project["optional-dependencies"][extra]]
    needs = [need for need in map(Requirement, wanted) if need.name != project["name"]]
    return [str(need) for need in needs if pinned.get(canonicalize_name(need.name)) not in _Within(need)]


class _Within:
    def __init__(self, need: Requirement) -> None:
        self.need = need

    def __contains__(self, version: Version | None) -> bool:
        return version is not None and self.need.specifier.contains(version)


@pytest.mark.parametrize("python", PYTHONS)
@pytest.mark.parametrize("path", LOCKS, ids=NAMES)
def test_it_names_all_that_the_project_needs(path: Path, python: str) -> None:
    assert missing(path.read_text("utf-8"), LOCKS[path], python) == [], "run tools/lock"


def test_what_is_missing_or_too_old_is_seen() -> None:
    lock = (GATE / "requirements.lock").read_text("utf-8")
    without = re.sub(r"(?ms)^rich==.*?\n(?=\S)", "", lock)
    assert [Requirement(need).name for need in missing(without, (), "3.12")] == ["rich"]
    old = re.sub(r"(?m)^hatchling==\S+", "hatchling==1.0.0", lock)
    assert [Requirement(need).name for need in missing(old, (), "3.12")] == ["hatchling"]
    assert {Requirement(need).name for need in missing(lock, ("mlflow",), "3.12")} == {
        "mlflow",
        "python-json-logger",
        "SQLAlchemy",
    }


@pytest.mark.parametrize("path", LOCKS, ids=NAMES)
def test_everything_is_one_version_with_hashes(path: Path) -> None:
    found = list(entries(path.read_text("utf-8")))
    assert len(found) >= 15
    for requirement, hashes in found:
        assert [pin.operator for pin in requirement.specifier] == ["=="], requirement
        assert requirement.url is None
        assert hashes
        assert all(re.fullmatch("sha256:[0-9a-f]{64}", each) for each in hashes), requirement


@pytest.mark.parametrize("path", LOCKS, ids=NAMES)
def test_it_names_no_index_and_no_file(path: Path) -> None:
    lock = path.read_text("utf-8")
    assert not re.search(r"://|^\s*--(?!hash)|^-|@ ", lock, re.MULTILINE)


def test_the_packages_of_the_action_name_no_registry() -> None:
    lock = (GATE / "package-lock.json").read_text("utf-8")
    assert '"resolved"' not in lock
    assert lock.count('"integrity"') > 50


def test_the_version_of_the_action_is_that_of_the_package() -> None:
    assert f'"version": "{PROJECT["project"]["version"]}"' in Path(GATE / "package.json").read_text("utf-8")
