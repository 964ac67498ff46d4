# SPDX-License-Identifier: Apache-2.0
"""What a configuration holds: what is gated, by which profiles, with which engine, and whose signatures count."""

from __future__ import annotations

import fnmatch
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path

from qaqpa.model import Settings, Stage, Strength

DEFAULT_PROFILE = "article-baseline"

MAX_OBSERVE_DAYS = 90
"""Longest time that `observe` may lie ahead, days."""


@dataclass(frozen=True)
class Gate:
    """One thing that is gated: aliases, MLflow stages and names that mean a stage, and the profiles that apply."""

    stage: Stage
    profiles: tuple[str, ...]
    settings: Settings = field(default_factory=Settings)
    models: tuple[str, ...] = ("*",)
    aliases: tuple[str, ...] = ()
    mlflow_stages: tuple[str, ...] = ()
    names: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        """A short name for messages."""
        return self.stage.value


@dataclass(frozen=True)
class Observe:
    """Registered models for which a refusal is recorded and shown, and not enforced, up to and with a day (UTC)."""

    models: tuple[str, ...]
    until: date


@dataclass(frozen=True)
class OpaServer:
    """Where the OPA server is, and how long one decision may take, in seconds."""

    url: str = "http://127.0.0.1:8181"
    timeout_seconds: float = 2.0
    token_file: str | None = None
    ca_file: str | None = None


@dataclass(frozen=True)
class PartiesSource:
    """Which parties file counts: signed by `threshold` of the root keys with these fingerprints, and not too old.

    `state` is the directory that remembers the highest version seen; None where there is none, and `minimum_version` is
    all that keeps an older file from coming back. `file_from` and `roots_from`
    say where the name of the file and the fingerprints were read.
    """

    file: Path
    roots: tuple[str, ...]
    threshold: int
    minimum_version: int = 1
    state: Path | None = None
    file_from: str = ""
    roots_from: str = ""


CANARY_NAME = "qaqpa-canary-"
"""What begins the names, of no registered model, under which a server is asked whether its gate refuses."""

DEFAULT_VERIFIER = "urn:qaqpa:gate:v1"
"""What a gate calls itself in its verdicts where the configuration names nothing."""

MAX_VERDICT_DAYS = 90
"""Longest time that a verdict may last, days."""


@dataclass(frozen=True)
class VerdictSettings:
    """What signed verdicts say of the gate, and how many days they last at most.

    `registry` is a URI that names the registry, not its address; empty where nobody named it. `key` is the gate's
    private key; None where the command line names it.
    """

    verifier: str = DEFAULT_VERIFIER
    registry: str = ""
    days: int = 30
    key: Path | None = None


@dataclass(frozen=True)
class LogSource:
    """Where the decision log is.

    `url` is a database as SQLAlchemy names it. `key` is the file of the private key that signs rows; without it a file
    of SQLite has one beside it, which is made when it is needed. `timeout_seconds` is how long one append may take.
    """

    url: str
    key: Path | None = None
    timeout_seconds: float = 2.0
    source: str = "default"

    @property
    def is_file(self) -> bool:
        """True for SQLite."""
        return self.url.startswith("sqlite:")

    @property
    def file(self) -> Path:
        """The file of SQLite."""
        return Path(self.url.removeprefix("sqlite:///"))

    @property
    def key_file(self) -> Path:
        """The file of the private key."""
        return self.key or self.file.with_name(f"{self.file.name}.key")


@dataclass(frozen=True)
class TrustedProxy:
    """A proxy that logs people in: the header in which it names whoever asks, and from where it connects."""

    header: str
    networks: tuple[IPv4Network | IPv6Network, ...]


@dataclass(frozen=True)
class Hashing:
    """How much a server hashes, and how much of it while somebody waits for the answer.

    More than `in_request_mib` is hashed ahead, where the artifact store freezes. What has more than `most_gib` or
    `most_files` has no digest.
    """

    in_request_mib: int = 256
    most_gib: int = 1024
    most_files: int = 20_000

    @property
    def in_request(self) -> int:
        """The most that is hashed while somebody waits, in bytes."""
        return self.in_request_mib << 20


@dataclass(frozen=True)
class Limits:
    """What one user may cost a server.

    `refusals_per_minute` is how many refusals somebody gets for one registered model before nothing is judged.
    """

    refusals_per_minute: int = 30


@dataclass(frozen=True)
class OverrideSettings:
    """Within how many days the use of an override has to be reviewed."""

    review_days: int = 7


DEFAULT_GATE = Gate(
    stage=Stage.PRODUCTION,
    profiles=(DEFAULT_PROFILE,),
    aliases=("production", "champion"),
    mlflow_stages=("Production",),
)


@dataclass(frozen=True)
class Config:
    """The configuration in force.

    `code` has patterns of the files that are the code of a model, by the model's directory, all from the top of the
    repository. `logging` is `text` or `json`, for a server's own log. `metrics` is host and port at which a server
    serves them; None where it does not. `sources` says for each setting where its value came from.
    """

    gates: tuple[Gate, ...] = (DEFAULT_GATE,)
    engine: str = "embedded"
    opa: OpaServer = field(default_factory=OpaServer)
    policy: Path | None = None
    observe: tuple[Observe, ...] = ()
    settings: Settings = field(default_factory=Settings)
    artifact_roots: tuple[Path, ...] = ()
    parties: PartiesSource | None = None
    code: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    verdict: VerdictSettings = field(default_factory=VerdictSettings)
    log: LogSource | None = None
    proxy: TrustedProxy | None = None
    hashing: Hashing = field(default_factory=Hashing)
    limits: Limits = field(default_factory=Limits)
    logging: str = "text"
    metrics: str | None = None
    override: OverrideSettings = field(default_factory=OverrideSettings)
    path: Path | None = None
    sources: tuple[tuple[str, str, str], ...] = ()

    def gates_for_alias(self, model: str, alias: str) -> Sequence[Gate]:
        """The gates that an alias of a registered model stands for; empty when it is not gated."""
        return [gate for gate in self.gates if matches(model, gate.models) and matches(alias, gate.aliases)]

    def gates_for_stage(self, model: str, mlflow_stage: str) -> Sequence[Gate]:
        """The gates that an MLflow stage of a registered model stands for."""
        return [
            gate for gate in self.gates if matches(model, gate.models) and matches(mlflow_stage, gate.mlflow_stages)
        ]

    def gates_for_name(self, model: str) -> Sequence[Gate]:
        """The gates that every version in a registered model of this name has to pass."""
        return [gate for gate in self.gates if matches(model, gate.names)]

    def observed(self, model: str, now: datetime) -> Observe | None:
        """The entry by which a registered model is observed only; None where the gate enforces."""
        for entry in self.observe:
            if matches(model, entry.models) and now.date() <= entry.until <= now.date() + timedelta(MAX_OBSERVE_DAYS):
                return entry
        return None

    def profiles_for(self, stage: Stage) -> tuple[str, ...]:
        """The profiles of all gates of a stage; those of all gates where a stage has none of its own."""
        chosen = [gate for gate in self.gates if gate.stage is stage] or list(self.gates)
        return tuple(dict.fromkeys(profile for gate in chosen for profile in gate.profiles))

    def settings_for(self, stage: Stage) -> Settings:
        """The settings of the strictest gate of a stage, of all gates where it has none; at review declared counts."""
        others = () if stage is Stage.REVIEW else self.gates
        chosen = [gate for gate in self.gates if gate.stage is stage] or others
        strengths = [gate.settings.minimum_strength for gate in chosen]
        order = list(Strength)
        strongest = max(strengths, key=order.index, default=Strength.DECLARED)
        return replace(self.settings, minimum_strength=strongest)


def fold(name: str) -> str:
    """A name as names are compared: NFKC, then case folded, then NFKC again, without white space at its ends."""
    # MLflow takes the alias "production\n".
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold()).strip()


def matches(name: str, patterns: Sequence[str]) -> bool:
    """True when a name matches one of the patterns, in which `*` stands for any characters."""
    folded = fold(name)
    return any(fnmatch.fnmatchcase(folded, _literal(fold(pattern))) for pattern in patterns)


def _literal(pattern: str) -> str:
    """Only `*` is special: `?` and `[` are allowed in names."""
    return pattern.replace("[", "[[]").replace("?", "[?]")
