# SPDX-License-Identifier: Apache-2.0
"""Configuration: `qaqpa.yaml`, then the environment. What is gated, by which profiles, with which engine."""

from __future__ import annotations

import fnmatch
import os
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from qaqpa.documents import Document, DocumentError, load_schema, read, validate
from qaqpa.errors import UsageError
from qaqpa.model import Settings, Stage, Strength
from qaqpa.times import now

DEFAULT_FILE = "qaqpa.yaml"
"""The file that is read from the working directory when no other is named."""

DEFAULT_PROFILE = "article-baseline"

MAX_OBSERVE_DAYS = 90
"""Longest time that `observe` may lie ahead, days."""

_ENGINES = ("embedded", "opa")
_OTHER_FILE = "qaqpa.yml"


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
    all that keeps an older file from coming back.
    """

    file: Path
    roots: tuple[str, ...]
    threshold: int
    minimum_version: int = 1
    state: Path | None = None


DEFAULT_GATE = Gate(
    stage=Stage.PRODUCTION,
    profiles=(DEFAULT_PROFILE,),
    aliases=("production", "champion"),
    mlflow_stages=("Production",),
)


@dataclass(frozen=True)
class Config:
    """The configuration in force. `sources` says for each setting where its value came from."""

    gates: tuple[Gate, ...] = (DEFAULT_GATE,)
    engine: str = "embedded"
    opa: OpaServer = field(default_factory=OpaServer)
    policy: Path | None = None
    observe: tuple[Observe, ...] = ()
    settings: Settings = field(default_factory=Settings)
    artifact_roots: tuple[Path, ...] = ()
    parties: PartiesSource | None = None
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
        return Settings(max(strengths, key=order.index, default=Strength.DECLARED), self.settings.thresholds)


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


def load_config(path: str | Path | None = None) -> Config:
    """Reads the configuration.

    The file is `path`, else `QAQPA_CONFIG`, else `qaqpa.yaml` in the working directory, else none. The environment
    variables `QAQPA_ENGINE` and `QAQPA_OPA_URL` win over it.

    Raises:
        UsageError: the file is missing or broken (with line and column), or a variable has a value that is not allowed.
    """
    named, named_by = (path, "--config") if path is not None else (os.environ.get("QAQPA_CONFIG"), "QAQPA_CONFIG")
    if named == "":
        raise UsageError("The name of the configuration file is empty", where=named_by, required="a path, or not set")
    if named is None and not _has_default_file():
        return _with_environment(Config(), {}, "default")
    found = Path(named or DEFAULT_FILE)
    document = read(found)
    validate(document, "qaqpa")
    return _with_environment(_config(document, found), document.value, named_by if named else "default")


def _has_default_file() -> bool:
    """Whoever put a configuration there means it to be in force, so one that cannot be read is not passed over."""
    for name in (DEFAULT_FILE, _OTHER_FILE):
        try:
            os.lstat(name)
        except FileNotFoundError:
            continue
        except OSError as error:
            raise UsageError(f"Whether it is there cannot be told ({error.strerror})", where=name) from error
        if name == _OTHER_FILE:
            raise UsageError(f"The configuration is named {name}", where=name, required=DEFAULT_FILE)
        if not Path(name).is_file():
            raise UsageError("This is no file that can be read", where=name, required="a file, or nothing there")
        return True
    return False


def _config(document: Document, path: Path) -> Config:
    value = document.value
    thresholds = value.get("thresholds", {})
    base = path.resolve().parent
    gates = tuple(_gate(entry, thresholds) for entry in value.get("gates", []))
    return Config(
        gates=gates or (replace(DEFAULT_GATE, settings=Settings(thresholds=thresholds)),),
        engine=value.get("engine", "embedded"),
        opa=OpaServer(**{name: _beside(base, name, entry) for name, entry in value.get("opa", {}).items()}),
        policy=base / value["policy"] if "policy" in value else None,
        observe=tuple(_observe(document, number) for number in range(len(value.get("observe", [])))),
        settings=Settings(thresholds=thresholds),
        artifact_roots=tuple((base / root).resolve() for root in value.get("artifact_roots", [])),
        path=path,
    )


def _beside(base: Path, name: str, entry: Any) -> Any:
    """A file of the server's settings, relative to the configuration; any other setting as it is."""
    return str(base / entry) if name.endswith("_file") else entry


def _gate(entry: dict[str, Any], thresholds: dict[str, Any]) -> Gate:
    return Gate(
        stage=Stage(entry["stage"]),
        profiles=tuple(entry["profiles"]),
        settings=Settings(Strength(entry.get("minimum_strength", "declared")), thresholds),
        models=tuple(entry.get("models", ["*"])),
        aliases=tuple(entry.get("aliases", [])),
        mlflow_stages=tuple(entry.get("mlflow_stages", [])),
        names=tuple(entry.get("names", [])),
    )


def _observe(document: Document, number: int) -> Observe:
    entry = document.value["observe"][number]
    until = date.fromisoformat(entry["until"])
    if until > now().date() + timedelta(MAX_OBSERVE_DAYS):
        raise DocumentError(
            f"observe ends on {until}, too far away",
            where=document.where(("observe", number, "until")),
            required=f"at most {MAX_OBSERVE_DAYS} days from today",
        )
    return Observe(tuple(entry["models"]), until)


def _with_environment(config: Config, value: dict[str, Any], named_by: str) -> Config:
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
    sources = [
        ("configuration", file or "none", named_by),
        ("engine", engine, engine_source),
        ("opa.url", url, url_source),
        *((name, str(value[name]), file) for name in ("gates", "policy", "observe", "thresholds") if name in value),
    ]
    return replace(config, engine=engine, opa=replace(config.opa, url=url), sources=tuple(sources))


def _setting(variable: str, value: str, source: str) -> tuple[str, str]:
    found = os.environ.get(variable)
    return (found, variable) if found else (value, source)
