# SPDX-License-Identifier: Apache-2.0
"""`--format`: which reports are asked for, and where they go. All are made before any is written, none by half."""

from __future__ import annotations

import argparse
import contextlib
import importlib
import io
import os
import stat
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from qaqpa.cli.common import console
from qaqpa.errors import ExitCode, UsageError
from qaqpa.escape import visible
from qaqpa.model import Verdict
from qaqpa.policy.bundle import Catalog
from qaqpa.report import text as text_report
from qaqpa.report.judged import Judged, Review, outcome

TEXT = "text"
_BRIEF = "brief"
NAMES = (TEXT, "json", "sarif", "junit", "markdown", "github", "html")
"""The formats there are."""

EXIT = {Verdict.ALLOW: ExitCode.ALLOWED, Verdict.DENY: ExitCode.DENIED, Verdict.UNDECIDED: ExitCode.UNDECIDED}
"""The exit code of each outcome."""

_FILE_MODE = 0o666


@dataclass(frozen=True)
class Wanted:
    """A report that was asked for; `path` is empty for standard output."""

    name: str
    path: str = ""


def add_formats(parser: argparse.ArgumentParser) -> None:
    """Adds `--format` and `--brief`."""
    parser.add_argument(
        "--format",
        action="append",
        default=[],
        metavar="FORMAT[=PATH]",
        help=f"{', '.join(NAMES)}; to a file where a path is given; repeatable; text where left out",
    )
    parser.add_argument("--brief", action="store_true", help="text: one line for each thing that was found")


def parse_formats(asked: Sequence[str]) -> list[Wanted]:
    """What was asked for, checked before anything is decided.

    Raises:
        UsageError: a format does not exist, two go to the same place, or a file cannot be written.
    """
    wanted = [_parse(text) for text in asked] or [Wanted(TEXT)]
    places: dict[str, Wanted] = {}
    for one in wanted:
        # Two names of one file are the same place.
        place = os.path.realpath(one.path) if one.path else ""
        if place in places:
            raise UsageError(
                f"Two reports go to {'the same file' if place else 'standard output'}",
                where=f"--format {one.name}{f'={one.path}' if one.path else ''}",
                required="one place for each",
                mend="Give all but one a file of its own: --format FORMAT=PATH",
            )
        places[place] = one
        if one.path:
            _check_path(one.path)
    return wanted


def write_reports(
    report: Judged | Review, catalog: Catalog, wanted: Sequence[Wanted], language: str, *, brief: bool = False
) -> None:
    """Makes all reports, then writes them, that for standard output last.

    Raises:
        UsageError: a report cannot be made, or a file cannot be written.
    """
    made = [(one, _made(one, report, catalog, language, brief=brief)) for one in wanted]
    for one, text in made:
        if one.path:
            _replace(one.path, text)
    for one, text in made:
        if not one.path and (one.name != TEXT or brief):
            sys.stdout.write(text)
        elif not one.path:
            # A terminal has a width and colours of its own.
            text_report.render(report, catalog, console(), language)


def deliver(
    report: Judged | Review, catalog: Catalog, wanted: Sequence[Wanted], language: str, *, brief: bool = False
) -> int:
    """Writes the reports, and gives the exit code: that of the outcome.

    Where whoever reads standard output goes away before its end, an `allow` was not delivered and is a failure; any
    other outcome stays what it is.

    Raises:
        UsageError: a report cannot be made, or a file cannot be written.
    """
    code = EXIT[outcome(report)]
    try:
        write_reports(report, catalog, wanted, language, brief=brief)
        sys.stdout.flush()
    except BrokenPipeError:
        # What is still buffered must not fail once more at the end of the process.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return int(code or ExitCode.CRASH)
    return int(code)


def _made(one: Wanted, report: Judged | Review, catalog: Catalog, language: str, *, brief: bool) -> str:
    if one.name == TEXT and not brief:
        return _text(report, catalog, language) if one.path else ""
    # Each has its own libraries, and most runs need one.
    module = importlib.import_module(f"qaqpa.report.{_BRIEF if one.name == TEXT else one.name}")
    made: str = module.render(report, catalog, language)
    return made


def _text(report: Judged | Review, catalog: Catalog, language: str) -> str:
    file = io.StringIO()
    text_report.render(report, catalog, console(file), language)
    return file.getvalue()


def _parse(text: str) -> Wanted:
    name, equals, path = text.partition("=")
    if name not in NAMES:
        raise UsageError(f"The format {name!r} does not exist", where="--format", required=f"one of {', '.join(NAMES)}")
    if equals and not path:
        raise UsageError("A path is missing", where=f"--format {text}", required=f"{name}=PATH, or {name}")
    return Wanted(name, path)


def _check_path(path: str) -> None:
    """A mistake in a path is told before time is spent on a decision."""
    try:
        mode = _mode_of(path)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no path"
        raise UsageError(f"The report cannot be written ({reason})", where=visible(path)) from error
    if stat.S_ISDIR(mode):
        raise UsageError("The report cannot be written (it is a directory)", where=visible(path))


def _mode_of(path: str) -> int:
    """The type of what is there; 0 where there is nothing yet, in a directory that exists."""
    try:
        return os.stat(path).st_mode  # noqa: PTH116 - what is no path at all is an error of its own
    except FileNotFoundError:
        if not Path(path).parent.is_dir():
            raise
        return 0


def _replace(path: str, text: str) -> None:
    """Writes a file beside its place and moves it there, so that nobody finds half of it."""
    # A link that somebody left there is replaced, and what it leads to is not touched.
    target = Path(path)
    if target.exists() and not target.is_file():
        _write_into(target, text)
        return
    temporary = ""
    try:
        handle, temporary = tempfile.mkstemp(prefix=".qaqpa-", dir=target.parent)
        with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace", newline="\n") as file:
            file.write(text)
        Path(temporary).chmod(_mode(target))
        Path(temporary).replace(target)
    except OSError as error:
        if temporary:
            with contextlib.suppress(OSError):
                Path(temporary).unlink()
        raise UsageError(f"The report cannot be written ({error.strerror})", where=path) from error


def _write_into(target: Path, text: str) -> None:
    """Writes into what is no file, as `/dev/stderr` and pipes; they can be replaced by nothing."""
    try:
        # Opening does not wait for somebody to read a pipe: that may be nobody.
        descriptor = os.open(target, os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        os.set_blocking(descriptor, True)
        with os.fdopen(descriptor, "w", encoding="utf-8", errors="backslashreplace", newline="\n") as file:
            file.write(text)
    except OSError as error:
        raise UsageError(f"The report cannot be written ({error.strerror})", where=str(target)) from error


def _mode(target: Path) -> int:
    """The permissions of a file: those that it has, else those that any new file gets."""
    if target.is_file() and not target.is_symlink():
        return target.stat().st_mode & 0o7777
    mask = os.umask(0)
    os.umask(mask)
    return _FILE_MODE & ~mask
