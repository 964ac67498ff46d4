# SPDX-License-Identifier: Apache-2.0
"""What whoever decides has recorded: what was asked and decided, what became of it, and the use of an override."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from qaqpa.model import Decision, JsonObject, Verdict

START, RELOAD, ERASE, CHECKPOINT = "start", "reload", "erase", "checkpoint"
"""Kinds of rows, beside `begin`, `decision`, `outcome`, `override` and `review`."""


class Result(str, enum.Enum):
    """What became of a promotion. `UNKNOWN` is what is shown where no outcome was recorded."""

    WRITTEN = "written"
    FAILED = "failed"
    ASKED = "asked"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Asked:
    """A decision that was made, and what was asked for.

    `mode` is `enforce` or `observe`; `user` the login of whoever asks; `problems` say why there is no decision.
    `override` is the SHA-256 of the override by which it is to be let through, though it is not allowed.
    """

    verdict: Verdict
    stage: str
    model: str
    action: str
    mode: str
    user: str | None
    decision: Decision | None = None
    problems: Sequence[Any] = ()
    override: str = ""


@dataclass(frozen=True)
class Claim:
    """One use of an override.

    `sha256` is that of its payload, `fields` what it is used for, as JSON without personal data; `about` is kept beside
    the row, and can be erased.
    """

    sha256: str
    fields: JsonObject
    about: JsonObject = field(default_factory=dict)
