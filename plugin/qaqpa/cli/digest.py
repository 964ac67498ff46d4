# SPDX-License-Identifier: Apache-2.0
"""`qaqpa digest`: prints the model digest."""

from __future__ import annotations

import argparse
import re

from qaqpa.cli.common import add_registry, registry
from qaqpa.cli.progress import hashing
from qaqpa.cli.saying import say
from qaqpa.errors import UndecidedError
from qaqpa.escape import visible
from qaqpa.evidence.digest import Progress, dir_hash
from qaqpa.evidence.elsewhere import weights_elsewhere
from qaqpa.model import Problem

_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:/")
_TARGETS = (
    "models:/name/7, models:/name@alias, models:/m-…, runs:/<run id>/<path>, the URI of the model's files, or its "
    "directory"
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the command's arguments."""
    parser.add_argument("target", metavar="TARGET", help=_TARGETS)
    add_registry(parser)


def run(args: argparse.Namespace) -> int:
    """Prints the digest; says on standard error where the weights are not among the bytes.

    Raises:
        QaqpaError: there is nothing to hash, or it cannot be read.
    """
    with hashing(args.target) as progress:
        digest, problems = _read(args.target, args.registry_uri, progress)
    if digest is None:
        detail = " ".join(problem.detail for problem in problems)
        raise UndecidedError(f"The model's bytes are out of reach: {detail}", where=args.target)
    for problem in problems:
        say(f"qaqpa: {problem.code}: {visible(problem.detail, 2000)}")
    print(digest)
    return 0


def _read(target: str, registry_uri: str | None, progress: Progress) -> tuple[str | None, tuple[Problem, ...]]:
    if _URI.match(target):
        found: tuple[str | None, tuple[Problem, ...]] = registry().read_digest(target, registry_uri, progress)
        return found
    return dir_hash(target, progress), weights_elsewhere(target)
