# SPDX-License-Identifier: Apache-2.0
"""Fetches a registered version in a process of its own, which is ended when it takes too long or brings too much.

A registry may be slow, broken or hostile. What MLflow's clients wait for, and how much they write, has no limit of its
own; a process can be ended whatever it does.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from qaqpa.errors import QaqpaError, UndecidedError, UsageError
from qaqpa.escape import visible
from qaqpa.model import Subject

MODEL = "model"
"""The directory of the fetched files, in the private one."""

ANSWER = "answer.json"
"""What the process found, in the private directory."""

_SECONDS, _BYTES = 3600, 1_000_000_000_000
_FILES, _DEPTH = 100_000, 32
_PAUSE_SECONDS = 0.2
_NUMBER = re.compile("[1-9][0-9]{0,14}", re.ASCII)
# Apart from the working directory and from variables of Python, which could name other modules.
_COMMAND = "import json, sys; sys.path[:] = json.loads(sys.argv[1]); from qaqpa.cli import fetcher; fetcher.main()"


@dataclass(frozen=True)
class Limits:
    """What fetching may take: seconds, bytes on disk, number of files and folders, folders within each other."""

    seconds: int = _SECONDS
    size: int = _BYTES
    files: int = _FILES
    depth: int = _DEPTH


@dataclass(frozen=True)
class Version:
    """A version, and where its files are: fetched, or on this machine already."""

    subject: Subject
    files: Path


def add_limits(parser: argparse.ArgumentParser) -> None:
    """Adds `--timeout` and `--max-bytes`."""
    group = parser.add_argument_group("what fetching from a registry may take")
    group.add_argument("--timeout", type=_number, default=_SECONDS, metavar="SECONDS", help=f"{_SECONDS} by default")
    group.add_argument("--max-bytes", type=_number, default=_BYTES, metavar="BYTES", help=f"{_BYTES} by default")


def fetch(target: str, registry_uri: str | None, private: Path, limits: Limits, *, copy: bool) -> Version:
    """Fetches a version's files into `private / MODEL`.

    Args:
        target: `models:/name/7` or `models:/name@alias`.
        registry_uri: the MLflow server; MLflow's own settings where None.
        private: an empty directory, which nobody else writes into.
        limits: what it may take.
        copy: also where the files are on this machine already.

    Raises:
        UsageError: there is no such version, or MLflow is not installed.
        UndecidedError: the registry does not answer, or a limit was reached.
    """
    asked = {"target": target, "registry_uri": registry_uri, "private": str(private), "copy": copy, **asdict(limits)}
    with _running(asked, private) as process:
        _wait(process, private, limits, target)
    try:
        answer: dict[str, Any] = json.loads((private / ANSWER).read_text("utf-8"))
    except (OSError, ValueError) as error:
        found = f"The process that fetched the files ended with {process.returncode} and no answer"
        raise UndecidedError(found, where=visible(target)) from error
    if "error" in answer:
        kind: type[QaqpaError] = UsageError if answer.pop("usage") else UndecidedError
        raise kind(answer.pop("error"), **answer)
    return Version(Subject(**answer["subject"]), Path(answer["files"]))


@contextlib.contextmanager
def _running(asked: dict[str, Any], private: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Starts the process, and ends it with all that it started.

    What MLflow prints may hold passwords, so it is not shown.
    """
    command = [sys.executable, "-I", "-c", _COMMAND, json.dumps([path or str(Path.cwd()) for path in sys.path])]
    process = subprocess.Popen(
        [*command, json.dumps(asked)],
        env={**os.environ, "TMPDIR": str(private)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _wait(process: subprocess.Popen[bytes], private: Path, limits: Limits, target: str) -> None:
    end = time.monotonic() + limits.seconds
    pause = _PAUSE_SECONDS
    while process.poll() is None:
        started = time.monotonic()
        if started > end:
            mend = "Look at the registry, or allow more: --timeout SECONDS"
            raise _too_much(target, f"{limits.seconds} seconds", "Fetching takes longer", mend)
        _measure(private, limits, target)
        # Looking at many files takes long itself.
        pause = max(_PAUSE_SECONDS, 10 * (time.monotonic() - started))
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(min(pause, max(_PAUSE_SECONDS, end - time.monotonic())))
    _measure(private, limits, target)


def _measure(private: Path, limits: Limits, target: str) -> None:
    size = files = 0
    for folder, _, names in os.walk(private):
        files += len(names)
        for name in names:
            # A file that is renamed meanwhile is counted the next time.
            with contextlib.suppress(OSError):
                size += os.lstat(os.path.join(folder, name)).st_size  # noqa: PTH118 - for many files
    if size > limits.size:
        mend = "Look at the registry, or allow more: --max-bytes BYTES"
        raise _too_much(target, f"{limits.size} bytes", "The registry sends more", mend)
    if files > 2 * limits.files:
        raise _too_much(target, f"{limits.files} files", "The registry sends more", "Look at the registry")


def _too_much(target: str, limit: str, found: str, mend: str) -> UndecidedError:
    return UndecidedError(f"{found} than it may", where=visible(target), required=f"at most {limit}", mend=mend)


def _number(text: str) -> int:
    if not _NUMBER.fullmatch(text):
        raise argparse.ArgumentTypeError(f"{visible(text)!r} is no number from 1")
    return int(text)
