# SPDX-License-Identifier: Apache-2.0
"""Finds and runs the `opa` binary. Only compiling and testing policies needs it; deciding does not."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

from qaqpa.errors import UsageError
from qaqpa.resources import POLICIES

_TIMEOUT_SECONDS = 300
_INSTALL = "Install OPA 1.17 or newer (not 1.20.0) and put it on PATH, or name it in QAQPA_OPA"


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
            raise PolicyError(f"QAQPA_OPA names {named!r}, which is no program", mend=_INSTALL)
        return Path(named)
    checkout = POLICIES.parent / ".tools" / "bin" / "opa"
    if os.access(checkout, os.X_OK):
        return checkout
    found = shutil.which("opa")
    if not found:
        raise PolicyError("There is no `opa` here", required="OPA, to compile and to test policies", mend=_INSTALL)
    return Path(found)


def run_opa(arguments: Sequence[str], cwd: Path) -> str:
    """Runs OPA in a directory, and returns its standard output.

    Raises:
        PolicyError: it failed; the message is OPA's own.
    """
    try:
        done = subprocess.run(
            [str(find_opa()), *arguments],
            cwd=cwd,
            capture_output=True,
            text=True,
            timeout=_TIMEOUT_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise PolicyError(f"opa {arguments[0]} did not run: {error}", mend=_INSTALL) from error
    if done.returncode:
        text = (done.stderr.strip() or done.stdout.strip())[-4000:]
        raise PolicyError(f"opa {arguments[0]} failed:\n{text}", mend="Mend the policy that OPA names")
    return done.stdout


@lru_cache(maxsize=4)
def opa_version(opa: Path) -> str:
    """The version of an OPA binary, `1.20.2` for example."""
    done = subprocess.run([str(opa), "version"], capture_output=True, text=True, timeout=30, check=False)
    found = re.search(r"^Version: (\S+)", done.stdout, re.MULTILINE)
    if not found:
        raise PolicyError(f"{opa} does not say its version", mend=_INSTALL)
    return found[1]
