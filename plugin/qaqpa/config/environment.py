# SPDX-License-Identifier: Apache-2.0
"""What the environment changes in a configuration, and where each value came from."""

from __future__ import annotations

import os
import re
from dataclasses import replace
from typing import Any

from qaqpa.config.log import log_source, without_password
from qaqpa.config.parties import parties_from_environment
from qaqpa.config.records import Config, LogSource, PartiesSource
from qaqpa.documents import load_schema
from qaqpa.errors import UsageError
from qaqpa.model import Json

_ENGINES = ("embedded", "opa")
_FORMATS = ("text", "json")
_SHOWN = (
    "gates",
    "policy",
    "observe",
    "thresholds",
    "raise",
    "separation_of_duties",
    "identity",
    "review",
    "verdict",
    "hashing",
    "limits",
    "metrics",
    "override",
)


def with_environment(config: Config, value: dict[str, Any], named_by: str) -> Config:
    """A configuration with what the environment sets.

    Args:
        config: as the file has it.
        value: the file, parsed.
        named_by: what named the file.

    Raises:
        UsageError: a variable has a value that is not allowed.
    """
    file = str(config.path) if config.path else ""
    engine, engine_source = _setting("QAQPA_ENGINE", config.engine, file if "engine" in value else "default")
    if engine not in _ENGINES:
        raise UsageError(f"The engine {engine!r} does not exist", where="QAQPA_ENGINE", required="embedded or opa")
    url, url_source = _setting("QAQPA_OPA_URL", config.opa.url, file if "url" in value.get("opa", {}) else "default")
    if not re.fullmatch(load_schema("qaqpa")["properties"]["opa"]["properties"]["url"]["pattern"], url):
        # The value is not shown: it may hold a password.
        raise UsageError(
            "This is not the address of a server",
            where="QAQPA_OPA_URL",
            required="http:// or https://, host and port, without credentials and path",
        )
    form, form_source = _setting("QAQPA_LOG_FORMAT", config.logging, file if "logging" in value else "default")
    if form not in _FORMATS:
        raise UsageError(f"There is no such format {form!r}", where="QAQPA_LOG_FORMAT", required="text or json")
    parties = parties_from_environment(config.parties)
    log = log_source(value.get("log"), config.path)
    sources = [
        ("configuration", file or "none", named_by),
        ("engine", engine, engine_source),
        ("opa.url", url, url_source),
        ("logging", form, form_source),
        *((name, _readable(value[name]), file) for name in _SHOWN if name in value),
        *_parties_sources(parties),
        *_log_sources(log),
    ]
    opa = replace(config.opa, url=url)
    return replace(config, engine=engine, opa=opa, parties=parties, log=log, logging=form, sources=tuple(sources))


def _readable(value: Json) -> str:
    """A setting in one line, as in `NDQ-02 (gap_max_percent 5), TRN-01 (max_age_days 30)`."""
    if isinstance(value, dict):
        return ", ".join(f"{name} {_inner(child)}" for name, child in value.items())
    if isinstance(value, list):
        return ", ".join(_inner(child) for child in value)
    return str(value).lower() if isinstance(value, bool) else str(value)


def _inner(value: Json) -> str:
    return f"({_readable(value)})" if isinstance(value, dict | list) else _readable(value)


def _parties_sources(parties: PartiesSource | None) -> list[tuple[str, str, str]]:
    if parties is None:
        return [("parties", "none: nobody's signature counts", "default")]
    roots = f"{parties.threshold} of {', '.join(parties.roots)}"
    return [
        ("parties", str(parties.file), parties.file_from),
        ("parties.roots", roots, parties.roots_from),
        ("parties.minimum_version", str(parties.minimum_version), parties.file_from),
        ("parties.state", str(parties.state or "none"), parties.file_from),
    ]


def _log_sources(log: LogSource | None) -> list[tuple[str, str, str]]:
    if log is None:
        return [("log", "none: decisions are not kept", "configuration")]
    key = str(log.key_file)
    return [("log", without_password(log.url), log.source), ("log.key", key, "configuration" if log.key else "default")]


def _setting(variable: str, value: str, source: str) -> tuple[str, str]:
    found = os.environ.get(variable)
    return (found, variable) if found else (value, source)
