# SPDX-License-Identifier: Apache-2.0
"""Reads the configuration: `qaqpa.yaml`, then the environment."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from qaqpa.config.environment import with_environment
from qaqpa.config.parties import parties_source
from qaqpa.config.patterns import objection
from qaqpa.config.people import trusted_proxy
from qaqpa.config.records import (
    DEFAULT_GATE,
    MAX_OBSERVE_DAYS,
    Config,
    Gate,
    Hashing,
    Limits,
    Observe,
    OpaServer,
    OverrideSettings,
    VerdictSettings,
)
from qaqpa.documents import Document, DocumentError, read, validate
from qaqpa.errors import UsageError
from qaqpa.model import Separation, Settings, Stage, Strength
from qaqpa.times import now

DEFAULT_FILE = "qaqpa.yaml"
"""The file that is read from the working directory when no other is named."""

_OTHER_FILE = "qaqpa.yml"


def load_config(path: str | Path | None = None) -> Config:
    """Reads the configuration.

    The file is `path`, else `QAQPA_CONFIG`, else `qaqpa.yaml` in the working directory, else none. The environment
    variables `QAQPA_ENGINE`, `QAQPA_OPA_URL`, `QAQPA_PARTIES`, `QAQPA_ROOTS`, `QAQPA_ROOTS_THRESHOLD`,
    `QAQPA_PARTIES_MINIMUM_VERSION`, `QAQPA_LOG`, `QAQPA_LOG_KEY` and `QAQPA_LOG_FORMAT` win over it.

    Raises:
        UsageError: the file is missing or broken (with line and column), or a variable has a value that is not allowed.
    """
    named, named_by = (path, "--config") if path is not None else (os.environ.get("QAQPA_CONFIG"), "QAQPA_CONFIG")
    if named == "":
        raise UsageError("The name of the configuration file is empty", where=named_by, required="a path, or not set")
    if named is None and not _has_default_file():
        return with_environment(Config(), {}, "default")
    found = Path(named or DEFAULT_FILE)
    return config_from(read(found), found, found.resolve().parent, named_by if named else "default")


def config_from(document: Document, path: Path, base: Path, named_by: str) -> Config:
    """A configuration that was read already, with what the environment sets.

    Args:
        document: the file, parsed.
        path: where it is.
        base: the directory from which paths in it start.
        named_by: what named the file.

    Raises:
        UsageError: it does not fit its schema, or a variable has a value that is not allowed.
    """
    validate(document, "qaqpa")
    return with_environment(_config(document, path, base), document.value, named_by)


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


def _config(document: Document, path: Path, base: Path) -> Config:
    value = document.value
    settings = Settings(
        thresholds=value.get("thresholds", {}),
        raised=tuple(value.get("raise", ())),
        separation_of_duties=Separation(value.get("separation_of_duties", Separation.WHEN_KNOWN.value)),
    )
    gates = tuple(_gate(entry, settings) for entry in value.get("gates", []))
    return Config(
        gates=gates or (replace(DEFAULT_GATE, settings=settings),),
        engine=value.get("engine", "embedded"),
        opa=OpaServer(**{name: _beside(base, name, entry) for name, entry in value.get("opa", {}).items()}),
        policy=base / value["policy"] if "policy" in value else None,
        observe=tuple(_observe(document, number) for number in range(len(value.get("observe", [])))),
        settings=settings,
        artifact_roots=tuple((base / root).resolve() for root in value.get("artifact_roots", [])),
        parties=parties_source(value["parties"], path, base) if "parties" in value else None,
        code=_code(document),
        verdict=_verdict(value.get("verdict", {}), base),
        proxy=trusted_proxy(document),
        hashing=Hashing(**value.get("hashing", {})),
        limits=Limits(**value.get("limits", {})),
        logging=value.get("logging", "text"),
        metrics=value.get("metrics", {}).get("listen"),
        override=OverrideSettings(**value.get("override", {})),
        path=path,
    )


def _code(document: Document) -> dict[str, tuple[str, ...]]:
    """Which files are the code of which directory."""
    code: dict[str, list[str]] = document.value.get("review", {}).get("code", {})
    for folder, patterns in code.items():
        wrong = objection(folder) if folder != "." else ""
        places: list[tuple[tuple[str | int, ...], str]] = [(("review", "code", folder), wrong)]
        places += [(("review", "code", folder, at), objection(one)) for at, one in enumerate(patterns)]
        for pointer, why in places:
            if why:
                raise DocumentError(
                    f"This is no path below the top of the repository: {why}",
                    where=document.where(pointer),
                    required="such as governance/credit, or src/credit/**",
                )
    return {folder: tuple(patterns) for folder, patterns in code.items()}


def _verdict(value: dict[str, Any], base: Path) -> VerdictSettings:
    return VerdictSettings(**{name: base / entry if name == "key" else entry for name, entry in value.items()})


def _beside(base: Path, name: str, entry: Any) -> Any:
    """A file of the server's settings, relative to the configuration; any other setting as it is."""
    return str(base / entry) if name.endswith("_file") else entry


def _gate(entry: dict[str, Any], settings: Settings) -> Gate:
    return Gate(
        stage=Stage(entry["stage"]),
        profiles=tuple(entry["profiles"]),
        settings=replace(settings, minimum_strength=Strength(entry.get("minimum_strength", "declared"))),
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
