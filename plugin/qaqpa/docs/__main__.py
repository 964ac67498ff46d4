# SPDX-License-Identifier: Apache-2.0
"""`python -m qaqpa.docs DIR`: generates the documentation of the checkout's compiled policies into a directory."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from qaqpa.docs import write_docs
from qaqpa.docs.examples import examples_of
from qaqpa.policy.bundle import load_bundle
from qaqpa.resources import POLICIES


def main(arguments: list[str] | None = None) -> int:
    """Writes the files, and says how many they are."""
    parser = argparse.ArgumentParser(prog="python -m qaqpa.docs", description=__doc__)
    parser.add_argument("directory", metavar="DIR", type=Path, help="the directory of the documentation")
    args = parser.parse_args(arguments)
    written = write_docs(args.directory, load_bundle().catalog, examples_of(POLICIES.parent / "examples"))
    sys.stdout.write(f"{len(written)} files in {args.directory}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
