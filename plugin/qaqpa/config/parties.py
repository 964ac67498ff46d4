# SPDX-License-Identifier: Apache-2.0
"""Which parties file counts: a part of the configuration that never comes from what is being judged."""

from __future__ import annotations

import os
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

from qaqpa.config.records import PartiesSource
from qaqpa.errors import UsageError

FILE, ROOTS, THRESHOLD, MINIMUM = (
    "QAQPA_PARTIES",
    "QAQPA_ROOTS",
    "QAQPA_ROOTS_THRESHOLD",
    "QAQPA_PARTIES_MINIMUM_VERSION",
)
"""The variables that name the file, the root keys, how many must have signed, and the lowest version that counts."""

_FINGERPRINT = re.compile("SHA256:[A-Za-z0-9+/]{43}")
_NUMBER = re.compile("[1-9][0-9]{0,8}", re.ASCII)


def parties_source(value: dict[str, Any], path: Path, base: Path) -> PartiesSource:
    """The part `parties` of a configuration file that fits its schema; paths in it start at `base`.

    Raises:
        UsageError: more root keys must sign than are listed.
    """
    state = value.get("state")
    source = PartiesSource(
        file=base / value["file"],
        roots=tuple(value["roots"]),
        threshold=value["threshold"],
        minimum_version=value.get("minimum_version", 1),
        state=default_state() if state is None else None if state == "none" else base / state,
        file_from=str(path),
        roots_from=str(path),
    )
    return _reachable(source, f"{path}: parties.threshold")


def parties_from_environment(source: PartiesSource | None) -> PartiesSource | None:
    """What the configuration file says about the parties file, with what the environment says instead.

    Raises:
        UsageError: a variable has a value that is not allowed, or one is missing that another needs.
    """
    file, roots = os.environ.get(FILE), os.environ.get(ROOTS)
    if os.environ.get(THRESHOLD) and not roots:
        raise UsageError(f"{THRESHOLD} is set and {ROOTS} is not", required="both, or neither")
    if source is None:
        if not file and not roots:
            return None
        if not file or not roots:
            raise UsageError(
                f"{FILE if file else ROOTS} is set and {ROOTS if file else FILE} is not", required="both, or neither"
            )
        source = PartiesSource(Path(), (), 1, state=default_state())
    if file:
        source = replace(source, file=Path(file).absolute(), file_from=FILE)
    if roots:
        source = _with_roots(source, roots)
    minimum = os.environ.get(MINIMUM)
    # Whoever may set a variable cannot go back below what the file asks for.
    wanted = max(source.minimum_version, _number(MINIMUM, minimum)) if minimum else source.minimum_version
    return replace(source, minimum_version=wanted)


def _with_roots(source: PartiesSource, text: str) -> PartiesSource:
    roots = tuple(dict.fromkeys(re.split(r"[\s,]+", text.strip(" ,\n\t"))))
    if not all(_FINGERPRINT.fullmatch(root) for root in roots):
        raise UsageError(
            "This is not a list of key ids", where=ROOTS, required="SHA256:… as `qaqpa keys show` prints it, by commas"
        )
    threshold = os.environ.get(THRESHOLD)
    if not threshold and max(len(roots), source.threshold) > 1:
        raise UsageError(
            f"{ROOTS} is set and {THRESHOLD} is not", required="how many of the root keys must have signed"
        )
    wanted = _number(THRESHOLD, threshold) if threshold else 1
    return _reachable(replace(source, roots=roots, threshold=wanted, roots_from=ROOTS), THRESHOLD)


def _reachable(source: PartiesSource, where: str) -> PartiesSource:
    if source.threshold > len(source.roots):
        raise UsageError(
            f"{source.threshold} root keys must sign, and {len(source.roots)} are listed",
            where=where,
            required=f"at most {len(source.roots)}",
        )
    return source


def _number(variable: str, text: str) -> int:
    if not _NUMBER.fullmatch(text):
        raise UsageError(f"{text[:40]!r} is no such number", where=variable, required="a whole number from 1 on")
    return int(text)


def default_state() -> Path:
    """The directory that holds what the gate has to remember."""
    home = os.environ.get("XDG_STATE_HOME")
    return (Path(home) if home else Path.home() / ".local" / "state") / "qaqpa"
