# SPDX-License-Identifier: Apache-2.0
"""The words of a verdict: a SLSA Verification Summary Attestation v1 about one model digest at one stage.

Whoever makes a verdict and whoever verifies one take its names from here, so that they cannot disagree. What SLSA has
no field for stands in extension fields, whose names must be URIs; `schemas/verdict.json` describes them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote, urlencode

from qaqpa.model import Stage, Strength

PREDICATE_TYPE = "https://slsa.dev/verification_summary/v1"
"""The type of the predicate; a name, never fetched."""

SLSA_VERSION = "1.1"
"""The version of SLSA whose rules for the fields are kept."""

PASSED, FAILED = "PASSED", "FAILED"

_EXTENSION = "urn:qaqpa:verdict:{}:v1"
EXPIRES, ENDS_WITH = _EXTENSION.format("expires"), _EXTENSION.format("ends-with")
STAGE, DECISION, MODE = _EXTENSION.format("stage"), _EXTENSION.format("decision"), _EXTENSION.format("mode")
SUBJECT, CONTEXT = _EXTENSION.format("subject"), _EXTENSION.format("context")
PROFILES, CONFIGURATION = _EXTENSION.format("profiles"), _EXTENSION.format("configuration")
PARTIES, STRENGTH = _EXTENSION.format("parties"), _EXTENSION.format("strength")
WAIVERS, UNMET = _EXTENSION.format("waivers"), _EXTENSION.format("unmet")
"""The last of the extension fields; `schemas/verdict.json` says what each holds."""


@dataclass(frozen=True)
class Model:
    """The registered model that a verdict is about. `version` is empty for a directory, `registry` where none is named.

    `created_ms` is when the registered model was made, milliseconds since 1970; None where that is not known.
    """

    name: str
    version: str = ""
    workspace: str = "default"
    registry: str = ""
    created_ms: int | None = None


@dataclass(frozen=True)
class Waived:
    """A control that a waiver excuses, and when the waiver ends."""

    control: str
    until: datetime


def resource_uri(model: Model, stage: Stage) -> str:
    """The package URL of a registered model, with its stage: `pkg:mlflow/credit@7?stage=production`."""
    version = f"@{quote(model.version, safe='')}" if model.version else ""
    qualifiers = {
        **({"repository_url": model.registry} if model.registry else {}),
        "stage": stage.value,
        **({"workspace": model.workspace} if model.workspace != "default" else {}),
    }
    return f"pkg:mlflow/{quote(model.name, safe='')}{version}?{urlencode(qualifiers, quote_via=quote)}"


@dataclass(frozen=True)
class Profile:
    """A profile that was asked for: SHA-256 of its canonical JSON, and whether a waiver excuses one of its controls."""

    id: str
    sha256: str
    waived: bool


def levels(stage: Stage, strength: Strength, profiles: Iterable[Profile], waived: Iterable[str]) -> list[str]:
    """The levels of a verdict that passed.

    Args:
        stage: where the model may go.
        strength: the weakest strength of evidence that it rests on.
        profiles: those that passed. One with a waiver has another level, so that whoever asks for the plain level does
            not take it for that.
        waived: the controls that a waiver excuses.
    """
    passed = [_level("PROFILE", own.id, *(["WITH_WAIVERS"] if own.waived else [])) for own in profiles]
    exceptions = [_level("WAIVED", control) for control in waived]
    found = [_level("STAGE", stage.value), _level("EVIDENCE", strength.value), *passed, *exceptions]
    return list(dict.fromkeys(found))


def _level(*words: str) -> str:
    return re.sub("[^A-Z0-9]", "_", "_".join(("QAQPA", *words)).upper())
