# SPDX-License-Identifier: Apache-2.0
"""The plain records of Qaqpa: what is judged, what is known, what was found, what was decided.

Nothing here reads or writes anything. Times are `datetime` with zone UTC; digests are lower-case hexadecimal SHA-256.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

Json = Any
"""A value that JSON can hold."""

JsonObject = Mapping[str, Json]


class Stage(str, enum.Enum):
    """Where a model version is to go."""

    REVIEW = "review"
    STAGING = "staging"
    PRODUCTION = "production"


class Strength(str, enum.Enum):
    """How much stands behind a piece of evidence, weakest first. `reproduced` is reserved: nothing yields it yet."""

    DECLARED = "declared"
    SIGNED = "signed"
    INDEPENDENT = "independent"


class Separation(str, enum.Enum):
    """Whether whoever asks for a promotion may be the only one who signed. `REQUIRED` also needs to know who asks."""

    OFF = "off"
    WHEN_KNOWN = "when_known"
    REQUIRED = "required"


class Verdict(str, enum.Enum):
    """The answer. Everything but `ALLOW` blocks."""

    ALLOW = "allow"
    DENY = "deny"
    UNDECIDED = "undecided"


class Status(str, enum.Enum):
    """The result of one control."""

    PASS = "pass"  # noqa: S105 - a status, not a password
    FAIL = "fail"
    WARN = "warn"
    WAIVED = "waived"
    NOT_APPLICABLE = "not_applicable"
    UNDECIDED = "undecided"


@dataclass(frozen=True)
class Recorded:
    """Somebody whom the registry names as `trainer`, `owner` or `deployer`, by a login.

    `source` says where that stands, for messages. `trusted` is true where no developer can freely write it; what is not
    trusted can only add people of whom a signer must be independent. `alone` is true where that says nothing of the
    others of their unit.
    """

    role: str
    login: str
    source: str
    trusted: bool
    alone: bool = False


@dataclass(frozen=True)
class Subject:
    """The model version that is judged.

    `digest` is the model digest (in-toto `dirHash`), or None where no bytes are known. `version` is empty for a
    directory. `trained_at` is None where nobody recorded it. `people` are those whom the registry names.
    """

    name: str
    version: str = ""
    digest: str | None = None
    trained_at: datetime | None = None
    created_ms: int | None = None
    workspace: str = "default"
    people: Sequence[Recorded] = ()


@dataclass(frozen=True)
class Signer:
    """A person whose signature counts, as the parties file describes them; `independent` of this very model."""

    id: str
    unit: str
    roles: Sequence[str]
    disciplines: Sequence[str]
    independent: bool


@dataclass(frozen=True)
class Evidence:
    """A verified fact: evidence that is about this subject, intact, and fits the schema of its kind.

    `id` is the SHA-256 of the payload; `predicate` is the content without its kind; `source` is the file or tag.
    `envelope` is the SHA-256 of the signatures; it is empty, and `signers` too, where nobody signed. `against_only`
    marks what was refused for who signed it: it can say that a requirement is not met, and never that one is.
    `counts_until` is when it stops counting by what is known today: at its end, or before that at the end of a key that
    signed it; None where nothing ends it. `ended_at` is when that was, for evidence that counts in a rollback only.
    """

    kind: str
    id: str
    strength: Strength
    predicate: JsonObject
    source: str
    issued_at: datetime | None = None
    expires_at: datetime | None = None
    envelope: str = ""
    signers: Sequence[Signer] = ()
    against_only: bool = False
    counts_until: datetime | None = None
    ended_at: datetime | None = None


@dataclass(frozen=True)
class Rejection:
    """Evidence that was refused: a stable `code`, and `detail`, a sentence that may quote hostile text."""

    code: str
    kind: str
    source: str
    detail: str


@dataclass(frozen=True)
class Problem:
    """Something that makes the whole decision `undecided`: a stable `code`, and `detail`, a sentence."""

    code: str
    detail: str


@dataclass(frozen=True)
class Settings:
    """What the configuration tells the policies. `thresholds` maps control id to threshold name to value.

    `raised` names controls (`TRN-02`) and violations (`TRN-02/comprehension_low`) that deny where they would only warn.
    """

    minimum_strength: Strength = Strength.DECLARED
    thresholds: Mapping[str, Mapping[str, Json]] = field(default_factory=dict)
    raised: Sequence[str] = ()
    separation_of_duties: Separation = Separation.WHEN_KNOWN


@dataclass(frozen=True)
class PartiesInForce:
    """The parties file by which signatures were judged: SHA-256 of what its root keys signed, version and end."""

    digest: str
    version: int
    expires: datetime


@dataclass(frozen=True)
class Rollback:
    """An earlier decision to which a model goes back: it allowed these bytes at this stage in this context.

    `decision` is the number of its row in the decision log, `allowed_at` its moment, and `counted` the ids of the
    evidence that counted then.
    """

    decision: int
    allowed_at: datetime
    counted: frozenset[str]


@dataclass(frozen=True)
class Request:
    """All that a decision depends on; `qaqpa.gate.decide` turns it into the input document.

    `actor` is the party id of whoever asks for the promotion, None where that is not known. `as_of` is true where `now`
    was chosen, and is not the present. `parties` is None where no parties file was in force. `rollback` is the earlier
    decision to which the model goes back, None where there is none. `standing_context` is the digest of the latest
    context that was signed, though it may have ended; None where there is none, or which one cannot be told.
    `aside` are the overrides and their reviews that count, which are no part of the input.
    """

    subject: Subject
    stage: Stage
    profiles: Sequence[str]
    now: datetime
    settings: Settings = field(default_factory=Settings)
    context: JsonObject | None = None
    context_digest: str | None = None
    evidence: Sequence[Evidence] = ()
    rejected: Sequence[Rejection] = ()
    problems: Sequence[Problem] = ()
    actor: str | None = None
    as_of: bool = False
    parties: PartiesInForce | None = None
    rollback: Rollback | None = None
    standing_context: str | None = None
    aside: Sequence[Evidence] = ()


@dataclass(frozen=True)
class Answer:
    """What an engine returned: the decision document as parsed JSON, or None where it gave none.

    `versions` says which programs evaluated the policies, such as `{"wasmtime": "46.0.1"}`. `decision_id` is what an
    OPA server calls the decision in its own log; empty where it said none. `asked` is the input as JSON, with sorted
    keys and without blanks, where the engine made that text anyway.
    """

    document: Json
    engine: str
    policy_digest: str
    versions: Mapping[str, str] = field(default_factory=dict)
    decision_id: str = ""
    asked: bytes = field(default=b"", compare=False)


@dataclass(frozen=True)
class Decision:
    """A decision document that passed all checks, or the reason why there is none.

    `document` follows `schemas/decision.json`. Where no engine gave a sound document, it is one made here: no findings,
    verdict `undecided`, and the problem that says why. `context` is the one that was judged by; `versions` and
    `decision_id` are those of the answer; `input` is all that the policies were given, and `asked` its text, where
    there is one.
    """

    verdict: Verdict
    document: JsonObject
    policy_digest: str
    engine: str
    context: JsonObject = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    input: JsonObject = field(default_factory=dict)
    decision_id: str = ""
    asked: bytes = field(default=b"", compare=False)

    @property
    def findings(self) -> Sequence[JsonObject]:
        """The findings, sorted by control id."""
        found: Sequence[JsonObject] = self.document["findings"]
        return found

    @property
    def problems(self) -> Sequence[JsonObject]:
        """What kept the gate from deciding, as `{code, detail}`."""
        found: Sequence[JsonObject] = self.document["problems"]
        return found
