# SPDX-License-Identifier: Apache-2.0
"""Where decisions are kept: a part of the configuration."""

from __future__ import annotations

import os
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

from qaqpa.config.parties import default_state
from qaqpa.config.records import LogSource
from qaqpa.errors import UsageError

URL, KEY = "QAQPA_LOG", "QAQPA_LOG_KEY"
"""The variables that name the database and the key."""

NONE = "none"
"""What stands for no log at all."""

_SQLITE = "sqlite:///"
_DATABASE = re.compile(r"sqlite:///.|postgresql(\+psycopg2|\+psycopg)?://.")
_PASSWORD = re.compile(r"(?<=://)([^/@]*)@")
_REQUIRED = "sqlite:///FILE, postgresql+psycopg2://…, postgresql+psycopg://…, or none"


def log_source(value: Any, path: Path | None) -> LogSource | None:
    """The part `log` of a configuration file that fits its schema, with what the environment says instead.

    Args:
        value: the part; None where there is none.
        path: the configuration file, beside which relative files lie.

    Returns:
        None where no decisions are kept.

    Raises:
        UsageError: there is no such kind of database, or a database for many servers has no key of its own.
    """
    source = LogSource(f"{_SQLITE}{_state() / 'decisions.db'}")
    url, where = os.environ.get(URL), URL
    if isinstance(value, dict):
        base = path.resolve().parent if path else Path()
        key = base / value["key"] if "key" in value else None
        source = LogSource(
            _beside(value["url"], base) if "url" in value else source.url,
            key=key,
            timeout_seconds=float(value.get("timeout_seconds", source.timeout_seconds)),
            source=str(path) if "url" in value else source.source,
        )
        where = URL if url else f"{path}: log.url"
    if url == NONE or (value == NONE and not url):
        return None
    if url:
        source = replace(source, url=_beside(url, Path.cwd()), source=URL)
    if os.environ.get(KEY):
        source = replace(source, key=Path(os.environ[KEY]).absolute())
    return _sound(source, where)


def log_at(url: str, configured: LogSource | None) -> LogSource:
    """A log that somebody names, with the configured key where the configuration names one.

    Raises:
        UsageError: there is no such kind of database, or a database server has no key.
    """
    named = _beside(url, Path.cwd())
    if configured is None:
        return _sound(LogSource(named, source="--log"), "--log")
    return _sound(replace(configured, url=named, source="--log"), "--log")


def without_password(url: str) -> str:
    """A database's address as it may be shown."""
    return _PASSWORD.sub(lambda found: f"{found[1].partition(':')[0]}{':***' if ':' in found[1] else ''}@", url)


def _state() -> Path:
    try:
        return default_state()
    except RuntimeError:
        # Whoever runs this has no home.
        return Path.cwd()


def _beside(url: str, base: Path) -> str:
    """A relative file of SQLite below a directory; any other address as it is."""
    file = url.removeprefix(_SQLITE)
    return f"{_SQLITE}{base.absolute() / file}" if url.startswith(_SQLITE) and file else url


def _sound(source: LogSource, where: str) -> LogSource:
    if not _DATABASE.match(source.url):
        # The value is not shown: it may hold a password.
        raise UsageError("This is not the address of a database for the decision log", where=where, required=_REQUIRED)
    if source.key is None and not source.is_file:
        raise UsageError(
            "The decision log is on a database server, and the key that signs its rows is not named",
            where=where,
            required=f"log.key or {KEY}, the same key on every server of this log",
            mend="qaqpa keys new --type p256 --no-passphrase log.key",
        )
    return source
