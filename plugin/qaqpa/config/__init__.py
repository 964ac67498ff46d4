# SPDX-License-Identifier: Apache-2.0
"""Configuration: `qaqpa.yaml`, then the environment."""

from __future__ import annotations

from qaqpa.config.load import DEFAULT_FILE, load_config
from qaqpa.config.records import (
    DEFAULT_GATE,
    DEFAULT_PROFILE,
    MAX_OBSERVE_DAYS,
    Config,
    Gate,
    LogSource,
    Observe,
    OpaServer,
    PartiesSource,
    fold,
    matches,
)

__all__ = [
    "DEFAULT_FILE",
    "DEFAULT_GATE",
    "DEFAULT_PROFILE",
    "MAX_OBSERVE_DAYS",
    "Config",
    "Gate",
    "LogSource",
    "Observe",
    "OpaServer",
    "PartiesSource",
    "fold",
    "load_config",
    "matches",
]
