# SPDX-License-Identifier: Apache-2.0
"""The settings that decided, as a verdict names them by their digest."""

from __future__ import annotations

import hashlib

import rfc8785

from qaqpa.config import Config
from qaqpa.model import Json, JsonObject, Request


def canonical_sha256(value: Json) -> str:
    """SHA-256 of the canonical JSON (RFC 8785) of a value, 64 hexadecimal digits."""
    return hashlib.sha256(rfc8785.dumps(value)).hexdigest()


def effective(config: Config, request: Request) -> JsonObject:
    """The settings in force: what decides, and no path, address or key. `schemas/verdict.json` lists them."""
    parties = config.parties
    settings = request.settings
    return {
        "stage": request.stage.value,
        "profiles": sorted(set(request.profiles)),
        "engine": config.engine,
        "settings": {
            "minimum_strength": settings.minimum_strength.value,
            "thresholds": {control: dict(names) for control, names in settings.thresholds.items()},
            "raised": sorted(settings.raised),
            "separation_of_duties": settings.separation_of_duties.value,
        },
        "parties": None
        if parties is None
        else {
            "roots": sorted(parties.roots),
            "threshold": parties.threshold,
            "minimum_version": parties.minimum_version,
        },
        "verdict": {
            "verifier": config.verdict.verifier,
            "registry": config.verdict.registry,
            "days": config.verdict.days,
        },
    }
