# SPDX-License-Identifier: Apache-2.0
"""`qaqpa policy`: tests and builds policies of one's own, beside the shipped ones."""

from __future__ import annotations

import argparse
from pathlib import Path

from qaqpa.policy import compile as compiler


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the command's arguments."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    test = actions.add_parser(
        "test", help="run the tests of a directory of policies, with the shipped ones beside them"
    )
    test.add_argument("directory", metavar="DIR", type=Path)
    build = actions.add_parser("build", help="compile a directory of policies together with the shipped ones")
    build.add_argument("directory", metavar="DIR", type=Path)
    build.add_argument("--output", metavar="OUT", type=Path, required=True, help="directory to write")


def run(args: argparse.Namespace) -> int:
    """Tests or builds.

    Raises:
        QaqpaError: OPA is missing, a policy breaks a rule, a test fails, or the engines disagree.
    """
    if args.action == "test":
        print(compiler.test_user_policies(args.directory))
        return 0
    print(compiler.build_user_policies(args.directory, args.output))
    return 0
