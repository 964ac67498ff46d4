# SPDX-License-Identifier: Apache-2.0
"""`qaqpa policy`: tests and builds policies of one's own beside ours, and hands a bundle to an OPA server."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from qaqpa.cli.common import add_config
from qaqpa.config import load_config
from qaqpa.escape import visible
from qaqpa.policy import user
from qaqpa.policy.bundle import SERVER_BUNDLE, load_bundle
from qaqpa.resources import COMPILED


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the command's arguments."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    test = actions.add_parser(
        "test", help="check a directory of policies and run its tests, with the shipped ones beside it"
    )
    test.add_argument("directory", metavar="DIR", type=Path)
    build = actions.add_parser(
        "build", help="test a directory of policies and compile it together with the shipped ones"
    )
    build.add_argument("directory", metavar="DIR", type=Path)
    build.add_argument("--output", metavar="OUT", type=Path, required=True, help="directory to write")
    bundle = actions.add_parser("bundle", help="print where the bundle for an OPA server lies")
    add_config(bundle)


def run(args: argparse.Namespace) -> int:
    """Tests, builds, or prints a path.

    Raises:
        QaqpaError: OPA is missing, a policy breaks a rule, a test fails, or the engines disagree.
    """
    if args.action == "test":
        with tempfile.TemporaryDirectory() as scratch:
            _build(args.directory, Path(scratch))
    elif args.action == "build":
        built = _build(args.directory, args.output)
        print(f"policy digest {built.policy_digest}")
        print("To use it, in qaqpa.yaml:")
        print(f"  policy: {_shown(args.output)}")
    else:
        directory = load_config(args.config).policy
        load_bundle(directory)
        print(_shown((directory or COMPILED) / SERVER_BUNDLE))
    return 0


def _shown(path: Path) -> str:
    """A path for a terminal, whole: one that was cut could not be used."""
    return visible(path, len(str(path)))


def _build(directory: Path, out: Path) -> user.Built:
    print("Checking and compiling the policies, and running their tests on both engines …", file=sys.stderr)
    built = user.build_user_policies(directory, out)
    print(f"{built.tests} tests ({built.own_tests} of them yours) pass on both engines")
    print(f"Both engines gave the same decision for {built.inputs} inputs")
    return built
