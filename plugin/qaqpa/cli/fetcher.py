# SPDX-License-Identifier: Apache-2.0
"""The process that `bounded` starts: fetches one version, and writes down what it found."""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from pathlib import Path
from typing import Any

from qaqpa.cli.bounded import ANSWER, MODEL
from qaqpa.cli.lazily import with_mlflow
from qaqpa.errors import QaqpaError, UsageError


def main() -> None:
    """Fetches what the last argument says, JSON."""
    threading.Thread(target=_end_with_parent, args=[os.getppid()], daemon=True).start()
    asked: dict[str, Any] = json.loads(sys.argv[2])
    answer = Path(asked["private"], ANSWER)
    answer.write_text(json.dumps(_fetched(asked)), "utf-8")


def _fetched(asked: dict[str, Any]) -> dict[str, Any]:
    directory = Path(asked["private"], MODEL)
    directory.mkdir()
    try:
        found = with_mlflow("download").download(
            asked["target"],
            asked["registry_uri"],
            directory,
            most=(asked["files"], asked["depth"]),
            copy=asked["copy"],
        )
    except QaqpaError as error:
        usage = isinstance(error, UsageError)
        parts = {"where": error.where, "required": error.required, "mend": error.mend}
        return {"error": error.found, "usage": usage, **parts}
    subject = found.subject
    named = {name: getattr(subject, name) for name in ("name", "version", "created_ms", "workspace")}
    return {"subject": named, "files": str(found.files)}


def _end_with_parent(parent: int) -> None:
    """Does not go on when whoever asked is gone, however that ended."""
    while os.getppid() == parent:
        time.sleep(1)
    os._exit(1)
