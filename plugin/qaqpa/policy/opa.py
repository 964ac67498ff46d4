# SPDX-License-Identifier: Apache-2.0
"""Finds and runs the `opa` binary. Only compiling and testing policies needs it; deciding does not."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

from qaqpa.errors import UsageError
from qaqpa.model import Json, JsonObject
from qaqpa.resources import POLICIES

_TIMEOUT_SECONDS = 300
_MAX_FAILED = 20
_REGO_ERROR = re.compile(r"\S+\.rego:\d+: rego_\w+: .*")

INSTALL = "Install OPA 1.17 or newer (not 1.20.0) and put it on PATH, or name it in QAQPA_OPA"
"""How to mend a missing or broken OPA."""


class PolicyError(UsageError):
    """Policies cannot be compiled, or break a rule that keeps the two engines alike."""


def find_opa() -> Path:
    """The binary: the one that `QAQPA_OPA` names, else that of the checkout's `.tools/bin`, else the one on PATH.

    Raises:
        PolicyError: there is none.
    """
    named = os.environ.get("QAQPA_OPA")
    if named:
        if not shutil.which(named):
            raise PolicyError(f"QAQPA_OPA names {named!r}, which is no program", mend=INSTALL)
        return Path(named)
    checkout = POLICIES.parent / ".tools" / "bin" / "opa"
    if os.access(checkout, os.X_OK):
        return checkout
    found = shutil.which("opa")
    if not found:
        raise PolicyError("There is no `opa` here", required="OPA, to compile and to test policies", mend=INSTALL)
    return Path(found)


def run_opa(arguments: Sequence[str], cwd: Path) -> str:
    """Runs OPA in a directory, and returns its standard output.

    Raises:
        PolicyError: it failed; the message is OPA's own, of Rego errors `file:line: code: message` only.
    """
    done = _run(arguments, cwd)
    if done.returncode:
        raise refusal(arguments[0], done.stderr.strip() or done.stdout)
    return done.stdout


def run_tests(policies: Path, pattern: str = "") -> list[JsonObject]:
    """Runs the tests of a policy directory, and returns them as OPA lists them, by their place.

    Args:
        policies: the directory.
        pattern: a regular expression for `data.<package>.<test>`; every test where empty.

    Raises:
        PolicyError: a test fails or is marked `todo_`, there is none, or OPA refuses the policies. Of the tests only
            those that do not pass are named, a line each.
    """
    options = ["--timeout", "60s", "--format", "json", "--fail-on-empty"]
    chosen = ["--run", pattern] if pattern else []
    done = _run(["test", *options, *chosen, "-b", policies.name], policies.parent)
    # OPA runs tests side by side, and lists them as they end.
    listed = sorted(_json(done.stdout) or [], key=_place)
    failed = [_failure(test) for test in listed if test.get("fail") or test.get("error") or test.get("skip")]
    if failed:
        more = [f"and {len(failed) - _MAX_FAILED} more"] if len(failed) > _MAX_FAILED else []
        raise PolicyError("\n".join([*failed[:_MAX_FAILED], *more]))
    if done.returncode:
        raise refusal("test", done.stderr.strip() or done.stdout)
    return listed


def refusal(command: str, printed: str) -> PolicyError:
    """The error of an OPA command that failed, from what it printed: of Rego errors `file:line: code: message` only."""
    lines = _rego_errors(printed)
    if lines:
        return PolicyError("\n".join(lines))
    return PolicyError(f"opa {command} failed:\n{printed.strip()[-4000:]}", mend="Mend the policy that OPA names")


def _place(test: JsonObject) -> tuple[str, int]:
    return str(test["location"]["file"]), int(test["location"]["row"])


def _run(arguments: Sequence[str], cwd: Path) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            [str(find_opa()), *arguments],
            cwd=cwd,
            capture_output=True,
            text=True,
            timeout=_TIMEOUT_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise PolicyError(f"opa {arguments[0]} did not run: {error}", mend=INSTALL) from error


def _failure(test: JsonObject) -> str:
    name = f"{str(test['package']).removeprefix('data.')}.{test['name']}"
    error = test.get("error")
    why = f"ERROR ({error.get('code')}: {error.get('message')})" if error else "SKIPPED" if test.get("skip") else "FAIL"
    return f"{test['location']['file']}:{test['location']['row']}: {name}: {why}"


def _rego_errors(text: str) -> list[str]:
    """The lines of Rego errors in what OPA printed, as text or as JSON."""
    printed = _json(text)
    if isinstance(printed, dict):
        places = [(error.get("location", {}), error) for error in printed.get("errors", [])]
        return [
            f"{at.get('file')}:{at.get('row')}: {error.get('code')}: {error.get('message')}" for at, error in places
        ]
    return _REGO_ERROR.findall(text)


def _json(text: str) -> Json:
    try:
        return json.loads(text)
    except ValueError:
        return None


@lru_cache(maxsize=4)
def opa_version(opa: Path) -> str:
    """The version of an OPA binary, `1.20.2` for example."""
    done = subprocess.run([str(opa), "version"], capture_output=True, text=True, timeout=30, check=False)
    found = re.search(r"^Version: (\S+)", done.stdout, re.MULTILINE)
    if not found:
        raise PolicyError(f"{opa} does not say its version", mend=INSTALL)
    return found[1]
