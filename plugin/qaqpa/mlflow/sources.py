# SPDX-License-Identifier: Apache-2.0
"""The files from which a gatekeeper is built, and whether they are still the same.

The parties file is none of them: it is read at each decision.
"""

from __future__ import annotations

import hashlib
import os
import stat
import time
from collections.abc import Iterator
from pathlib import Path

from qaqpa.config import DEFAULT_FILE, Config
from qaqpa.policy.bundle import DATA, MANIFEST, WASM

Stamp = tuple[tuple[str, str], ...]
"""Names of files with what tells that one is another now."""

SETTLE_SECONDS = 2.0
"""How long the configuration file has to stand still before it is taken up."""

_SMALL_BYTES = 1 << 20


def current(config: Config) -> Stamp:
    """What the files of a configuration are at this moment.

    Small ones are read, so that a clock that is too coarse, or a file that was put back, deceives nobody. Of the large
    ones a build's manifest names the digests.

    Args:
        config: names the policies and an OPA server's certificates; the environment names the configuration file.
    """
    return tuple((str(path), _small(path) if is_small else _large(path)) for path, is_small in _files(config))


def configuration_file() -> Path:
    """The configuration file, whether it is there or not."""
    return Path(os.environ.get("QAQPA_CONFIG") or DEFAULT_FILE)


def is_settled() -> bool:
    """False while whoever writes the configuration file may not be done: half of it can be valid, and gate less."""
    try:
        since = time.time() - configuration_file().stat().st_mtime
    except OSError:
        return True
    # A time that lies ahead is no reason to wait for it.
    return not 0 <= since < SETTLE_SECONDS


def _files(config: Config) -> Iterator[tuple[Path, bool]]:
    yield configuration_file(), True
    if config.policy:
        yield config.policy / MANIFEST, True
        yield config.policy / WASM, False
        yield config.policy / DATA, False
    if config.engine == "opa" and config.opa.ca_file:
        yield Path(config.opa.ca_file), True


def _small(path: Path) -> str:
    """The SHA-256 of a file; opening never waits, not even for a pipe."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                return "no file"
            content = file.read(_SMALL_BYTES + 1)
    except OSError as error:
        return type(error).__name__
    return hashlib.sha256(content).hexdigest() if len(content) <= _SMALL_BYTES else _large(path)


def _large(path: Path) -> str:
    try:
        found = path.stat()
    except OSError as error:
        return type(error).__name__
    return f"{found.st_dev}:{found.st_ino}:{found.st_size}:{found.st_mtime_ns}:{found.st_ctime_ns}"
