# SPDX-License-Identifier: Apache-2.0
"""What several commands share: options, targets, consoles."""

from __future__ import annotations

import argparse
import os
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, TextIO

from rich.console import Console, RenderableType
from rich.text import Text

from qaqpa.cli import lazily
from qaqpa.cli.saying import say
from qaqpa.config import Config, load_config
from qaqpa.errors import UsageError
from qaqpa.escape import visible
from qaqpa.evidence.carriers import Carried
from qaqpa.evidence.directory import read_directory
from qaqpa.evidence.parties import Parties
from qaqpa.evidence.trust import Trust
from qaqpa.gate import open_engine, open_trust, trusted_parties
from qaqpa.model import Problem, Stage, Subject
from qaqpa.report.language import chosen_language
from qaqpa.report.strings import LANGUAGES
from qaqpa.report.texts import Texts

MODELS = lazily.MODELS
_PLAIN_WIDTH = 100
_PATIENCE_SECONDS = 2.0


@dataclass(frozen=True)
class Target:
    """What a command was pointed at, read. `base` is the directory, None for a registry."""

    subject: Subject
    carried: Sequence[Carried]
    problems: Sequence[Problem] = ()
    base: Path | None = None

    @property
    def in_registry(self) -> bool:
        """True where it is a version of a registry."""
        return self.base is None

    @property
    def name(self) -> str:
        """Its name for messages."""
        return " version ".join(filter(None, (self.subject.name, self.subject.version)))


def add_config(parser: argparse.ArgumentParser) -> None:
    """Adds `--config`."""
    parser.add_argument("--config", metavar="FILE", help="configuration file; QAQPA_CONFIG, else ./qaqpa.yaml")


def add_action(
    actions: argparse._SubParsersAction[argparse.ArgumentParser],
    name: str,
    summary: str,
    act: Callable[[argparse.Namespace], int],
) -> argparse.ArgumentParser:
    """Adds one action of a command that has several; `args.act` is what it does, and returns the exit code."""
    parser = actions.add_parser(name, help=summary, description=summary)
    parser.set_defaults(act=act)
    add_config(parser)
    return parser


def add_language(parser: argparse.ArgumentParser) -> None:
    """Adds `--lang`."""
    help_text = "language of the texts; QAQPA_LANG, else the locale, else English"
    parser.add_argument("--lang", choices=LANGUAGES, help=help_text)


def add_registry(parser: argparse.ArgumentParser) -> None:
    """Adds `--registry-uri`."""
    parser.add_argument("--registry-uri", metavar="URI", help="MLflow registry; MLflow's own settings by default")


def open_texts(args: argparse.Namespace) -> Texts:
    """The texts of the configured policies, in the language that was asked for.

    Raises:
        QaqpaError: the configuration is broken, or its policies cannot be opened.
    """
    return Texts(open_engine(load_config(args.config)).catalog, chosen_language(args.lang))


def read_target(target: str, registry_uri: str | None) -> Target:
    """Reads a `models:/` URI from its registry, or a directory.

    Raises:
        QaqpaError: it does not exist, cannot be read, or does not fit its schema.
    """
    with waiting(f"reading {target}"):
        if not target.startswith(MODELS):
            directory = read_directory(target)
            return Target(directory.subject, directory.carried, directory.problems, Path(target))
        version = registry().read_version(target, registry_uri)
        beside = attaching().outside(target, version.subject.digest, registry_uri)
    subject = replace(version.subject, people=(*version.subject.people, *beside.people))
    return Target(subject, (*version.carried, *beside.carried), version.problems)


def trust_for(config: Config, target: str, stage: Stage = Stage.REVIEW) -> Trust | None:
    """Where the parties file comes from; None where the configuration names none.

    At review a configuration that trusts nobody may lie in the directory: `qaqpa init` writes it there.

    Raises:
        UsageError: the configuration, or a policy that it names, lies inside the directory that is judged: whoever
            wrote the evidence could have written that too.
    """
    if (config.parties or stage is not Stage.REVIEW) and not target.startswith(MODELS):
        for file in (config.path, config.policy):
            if file and _inside(str(file), target):
                raise UsageError(
                    "What decides about the directory lies inside the directory that is judged",
                    where=str(file),
                    required="a configuration and policies from elsewhere",
                    mend="Move it out of the directory, and name it with --config FILE",
                )
    return open_trust(config)


def parties_for(config: Config, target: str, now: datetime) -> Parties | None:
    """The parties file in force; where there should be one and is none, that is said on standard error.

    Raises:
        UsageError: as for `trust_for`.
    """
    parties, problems = trusted_parties(trust_for(config, target), now)
    for problem in problems:
        say(f"qaqpa: {problem.code}: {visible(problem.detail, 2000)}")
    return parties


def _inside(file: str, directory: str) -> bool:
    """True where a file lies in a directory, by its name or by where links lead."""
    base = Path(directory)
    named = Path(os.path.abspath(file)).is_relative_to(os.path.abspath(base))  # noqa: PTH100 - keeps links
    return named or Path(file).resolve().is_relative_to(base.resolve())


@contextmanager
def waiting(what: str) -> Iterator[None]:
    """Says on standard error what is going on, once it has taken two seconds."""
    timer = threading.Timer(
        _PATIENCE_SECONDS, print, [f"qaqpa: {visible(what)} …"], {"file": sys.stderr, "flush": True}
    )
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def registry() -> Any:
    """The module that reads a registry.

    Raises:
        UsageError: MLflow is not installed.
    """
    return lazily.with_mlflow("registry")


def attaching() -> Any:
    """The module that attaches evidence in a registry.

    Raises:
        UsageError: MLflow is not installed.
    """
    return lazily.with_mlflow("attaching")


class _Console(Console):
    """Rich's console, which would end the process itself when whoever reads its output goes away."""

    def on_broken_pipe(self) -> None:
        raise BrokenPipeError


def print_trimmed(out: Console, renderable: RenderableType) -> None:
    """Prints something in lines that do not end in blanks, as tables and indented texts of Rich do."""
    for segments in out.render_lines(renderable, pad=False):
        line = Text.assemble(*((segment.text, segment.style or "") for segment in segments))
        line.rstrip()
        out.print(line, soft_wrap=True)


def console(file: TextIO | None = None) -> Console:
    """A console for results. Off a terminal it is 100 columns wide and has no colour."""
    stream = file or sys.stdout
    width = None if stream.isatty() else _PLAIN_WIDTH
    return _Console(file=stream, width=width, highlight=False, markup=False, emoji=False, soft_wrap=False)
