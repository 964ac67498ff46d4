# SPDX-License-Identifier: Apache-2.0
"""`qaqpa demo`: the gate at work on a real MLflow server on this machine."""

from __future__ import annotations

import argparse

from qaqpa.cli.common import console
from qaqpa.errors import UsageError, with_extra


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the command's arguments."""
    parser.add_argument("--keep", action="store_true", help="leave the server running, to look at it in a browser")


def run(args: argparse.Namespace) -> int:
    """Runs the demo.

    Raises:
        UsageError: MLflow is not installed.
    """
    try:
        from qaqpa.demo.run import run_demo  # noqa: PLC0415 - importing MLflow takes seconds
    except ImportError as error:
        raise UsageError("The demo needs MLflow", mend=with_extra("mlflow")) from error
    return run_demo(keep=args.keep, out=console())
