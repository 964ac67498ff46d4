# SPDX-License-Identifier: Apache-2.0
"""A configuration as the log records it, and what is different in another one."""

from __future__ import annotations

import dataclasses
import enum
import hashlib
from collections.abc import Iterator
from datetime import date
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Any

from qaqpa.config import Config
from qaqpa.config.log import without_password
from qaqpa.model import JsonObject
from qaqpa.record.log.chain import compact

MOST_CHANGES = 50
"""Most changed settings that a row names."""

_LEFT_OUT = frozenset({"sources", "path", "file_from", "roots_from", "source"})


def recorded(config: Config) -> JsonObject:
    """All that a configuration decides, as JSON, without passwords."""
    found: JsonObject = _plain(config)
    if config.log:
        return {**found, "log": {**found["log"], "url": without_password(config.log.url)}}
    return found


def configuration_digest(config: Config) -> str:
    """SHA-256 of all that a configuration decides, 64 hexadecimal digits, as rows of the log name it."""
    return hashlib.sha256(compact(recorded(config))).hexdigest()


def changes(before: JsonObject, after: JsonObject) -> list[str]:
    """The dotted names of settings that differ, sorted; at most `MOST_CHANGES`, then an ellipsis."""
    names = sorted(set(_different(before, after, "")))
    return names if len(names) <= MOST_CHANGES else [*names[:MOST_CHANGES], "…"]


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value):
        named = ((field.name, getattr(value, field.name)) for field in dataclasses.fields(value))
        return {name: _plain(item) for name, item in named if name not in _LEFT_OUT}
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, (Path, date, IPv4Network, IPv6Network)):
        return str(value)
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value


def _different(before: Any, after: Any, name: str) -> Iterator[str]:
    if isinstance(before, dict) and isinstance(after, dict):
        for key in {*before, *after}:
            yield from _different(before.get(key), after.get(key), f"{name}.{key}" if name else key)
    elif before != after:
        yield name
