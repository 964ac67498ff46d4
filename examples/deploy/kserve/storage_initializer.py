# SPDX-License-Identifier: Apache-2.0
"""A KServe storage initializer: fetches a model from MLflow, and hands it over only where its verdict holds.

KServe calls it with the storageUri, `qaqpa://<registered model>/<version>`, and the directory for the files. Settings:
QAQPA_VERDICTS, an https address or a directory with `<model>/<version>/verdict.dsse.json` below it; QAQPA_REQUIREMENTS,
a file as `qaqpa verify --require` takes it; MLFLOW_TRACKING_URI. Whatever it returns but 0 keeps the pod from starting.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import urllib.parse
import urllib.request
from pathlib import Path

PREFIX = "qaqpa://"
MOST_BYTES = 2_000_000
SECONDS = 30


def main(arguments: list[str]) -> int:
    """Fetches, verifies and hands over; returns the exit code of `qaqpa verify`."""
    source, destination = arguments
    name, _, version = source.removeprefix(PREFIX).rpartition("/")
    if not source.startswith(PREFIX) or not name or not version.isdecimal():
        print(f"{source!r} is not {PREFIX}<registered model>/<version>", file=sys.stderr)
        return 2
    target = Path(destination)
    if any(target.iterdir()):
        print(f"{destination} is not empty", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory() as scratch:
        verdict = Path(scratch, "verdict.dsse.json")
        verdict.write_bytes(_read(os.environ["QAQPA_VERDICTS"], name, version))
        # Beside the place itself, which is a volume and cannot be renamed to.
        kept = target / ".qaqpa-verified"
        options = ["--verdict", verdict, "--require", os.environ["QAQPA_REQUIREMENTS"], "--into", kept]
        code = subprocess.run(["qaqpa", "verify", f"models:/{name}/{version}", *options], check=False).returncode
    if code == 0:
        for child in list(kept.iterdir()):
            child.rename(target / child.name)
        kept.rmdir()
    return code


def _read(base: str, name: str, version: str) -> bytes:
    """The verdict. Nothing in it is believed here."""
    path = f"{urllib.parse.quote(name, safe='')}/{version}/verdict.dsse.json"
    if not base.startswith("https://"):
        return Path(base, path).read_bytes()
    with urllib.request.urlopen(f"{base}/{path}", timeout=SECONDS) as answer:  # noqa: S310 - https only
        found: bytes = answer.read(MOST_BYTES)
    return found


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
