# SPDX-License-Identifier: Apache-2.0
"""`qaqpa digest`: prints the model digest."""

from __future__ import annotations

import argparse

from qaqpa.cli.common import MODELS, add_registry, registry, waiting
from qaqpa.errors import UndecidedError
from qaqpa.evidence.digest import dir_hash


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the command's arguments."""
    parser.add_argument("target", metavar="TARGET", help="models:/name/7, models:/name@alias, or the model's directory")
    add_registry(parser)


def run(args: argparse.Namespace) -> int:
    """Prints the digest.

    Raises:
        QaqpaError: there is nothing to hash, or it cannot be read.
    """
    with waiting(f"hashing {args.target}"):
        if args.target.startswith(MODELS):
            digest = registry().read_version(args.target, args.registry_uri).subject.digest
        else:
            digest = dir_hash(args.target)
    if digest is None:
        raise UndecidedError("The model's bytes are out of reach", where=args.target)
    print(digest)
    return 0
