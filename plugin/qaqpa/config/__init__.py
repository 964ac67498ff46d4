# SPDX-License-Identifier: Apache-2.0
"""Configuration: `qaqpa.yaml`, then the environment."""

from __future__ import annotations

from qaqpa.config.load import DEFAULT_FILE, config_from, load_config
from qaqpa.config.records import (
    CANARY_NAME,
    DEFAULT_GATE,
    DEFAULT_PROFILE,
    DEFAULT_VERIFIER,
    MAX_OBSERVE_DAYS,
    MAX_VERDICT_DAYS,
    Config,
    Gate,
    Hashing,
    Limits,
    LogSource,
    Observe,
    OpaServer,
    OverrideSettings,
    PartiesSource,
    TrustedProxy,
    VerdictSettings,
    fold,
    matches,
)

__all__ = [
    "CANARY_NAME",
    "DEFAULT_FILE",
    "DEFAULT_GATE",
    "DEFAULT_PROFILE",
    "DEFAULT_VERIFIER",
    "MAX_OBSERVE_DAYS",
    "MAX_VERDICT_DAYS",
    "Config",
    "Gate",
    "Hashing",
    "Limits",
    "LogSource",
    "Observe",
    "OpaServer",
    "OverrideSettings",
    "PartiesSource",
    "TrustedProxy",
    "VerdictSettings",
    "config_from",
    "fold",
    "load_config",
    "matches",
]
