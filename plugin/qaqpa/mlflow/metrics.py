# SPDX-License-Identifier: Apache-2.0
"""What the gate counts, for Prometheus. Nothing here can change a decision: where counting fails, nothing is counted.

The processes of a server count into files of one directory, which `qaqpa.mlflow.exposing` adds up and serves.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from time import perf_counter, time
from typing import Any, TypeVar, cast

from qaqpa.errors import UsageError, with_extra
from qaqpa.evidence.parties import Parties
from qaqpa.mlflow.denial import Outcome

DIRECTORY = "PROMETHEUS_MULTIPROC_DIR"
"""The variable of `prometheus-client` that names the directory; set before its first import."""

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 120)
_APPEND_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5)
_Function = TypeVar("_Function", bound=Callable[..., None])
_log = logging.getLogger(__name__)


class _Meters:
    """The meters of this process."""

    def __init__(self) -> None:
        from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram  # noqa: PLC0415 - see DIRECTORY

        # None of the library's own: they would be served once for each process.
        own = CollectorRegistry()

        def counter(name: str, says: str, *labels: str) -> Any:
            return Counter(f"qaqpa_{name}", says, labels, registry=own)

        def gauge(name: str, says: str, *labels: str, mode: str = "mostrecent") -> Any:
            return Gauge(f"qaqpa_{name}", says, labels, registry=own, multiprocess_mode=cast("Any", mode))

        def histogram(name: str, says: str, buckets: tuple[float, ...], *labels: str) -> Any:
            return Histogram(f"qaqpa_{name}", says, labels, registry=own, buckets=buckets)

        self.decisions = counter("decisions", "Decisions of the gate", "verdict", "stage", "mode")
        self.decision_seconds = histogram(
            "decision_seconds", "Time of one decision, hashing included", _SECONDS, "stage"
        )
        self.refusals = counter("refusals", "What was refused, by each reason", "control", "code")
        self.overrides = counter("overrides", "Promotions that an override let through")
        self.reloads = counter("reloads", "Replacements of configuration and policies", "result")
        self.append_seconds = histogram(
            "log_append_seconds", "Time of one append to the decision log", _APPEND_SECONDS, "row"
        )
        self.log_failures = counter("log_failures", "Appends to the decision log that failed", "row")
        self.processes = gauge(
            "in_force",
            "Processes that have these policies and this configuration in force",
            *("policy", "configuration", "engine", "closed"),
            mode="livesum",
        )
        self.loaded = gauge("policies_loaded_timestamp_seconds", "When the policies in force were loaded")
        self.parties_ends = gauge("parties_expires_timestamp_seconds", "When the parties file in force ends")
        self.parties_written = gauge("parties_modified_timestamp_seconds", "When the parties file was last written")
        self.parties_version = gauge("parties_version", "Version of the parties file in force; 0 where none is")
        self.facts: tuple[str, ...] | None = None


_meters: list[_Meters] = []


def need_client() -> None:
    """Makes sure that the library is there.

    Raises:
        UsageError: it is not.
    """
    import importlib.util  # noqa: PLC0415 - asked where metrics are configured only

    if importlib.util.find_spec("prometheus_client") is None:
        raise UsageError("The library that counts is missing", where="metrics", mend=with_extra("metrics"))


def enable() -> None:
    """Counts from now on, where the environment of this process names the directory."""
    if os.environ.get(DIRECTORY) and not _meters:
        _meters.append(_Meters())


def _harmless(function: _Function) -> _Function:
    """Leaves a function out where nothing is counted, and what goes wrong in it to the server's log."""

    @wraps(function)
    def counted(*args: Any, **kwargs: Any) -> None:
        if not _meters:
            return
        try:
            function(*args, **kwargs)
        except Exception:  # noqa: BLE001 - see the module's description
            _log.exception("qaqpa: a metric was lost")

    return cast("_Function", counted)


@_harmless
def decided(outcome: Outcome, mode: str, seconds: float) -> None:
    """Counts a decision, and why it refuses."""
    meters = _meters[0]
    meters.decisions.labels(outcome.verdict.value, outcome.stage, mode).inc()
    meters.decision_seconds.labels(outcome.stage).observe(seconds)
    for control, code in reasons(outcome):
        meters.refusals.labels(control, code).inc()


@_harmless
def refused(code: str) -> None:
    """Counts a write that was refused without a decision."""
    _meters[0].refusals.labels("", code).inc()


@_harmless
def overridden() -> None:
    """Counts a promotion that an override let through."""
    _meters[0].overrides.inc()


@_harmless
def reloaded(*, done: bool) -> None:
    """Counts a replacement of what is in force."""
    _meters[0].reloads.labels("done" if done else "failed").inc()


@_harmless
def in_force(facts: Mapping[str, Any]) -> None:
    """Says what is in force in this process from now on: policies, configuration, engine, whether it is closed."""
    meters = _meters[0]
    labels = (*(str(facts[name]) for name in ("policy", "configuration", "engine")), str(facts["closed"]).lower())
    if meters.facts is not None:
        meters.processes.labels(*meters.facts).set(0)
    meters.processes.labels(*labels).set(1)
    meters.facts = labels
    meters.loaded.set(time())


@_harmless
def parties(found: Parties | None, file: Path) -> None:
    """Says which parties file is in force; version 0 where it cannot be used."""
    meters = _meters[0]
    meters.parties_version.set(found.version if found else 0)
    if found:
        meters.parties_ends.set(found.expires.timestamp())
        meters.parties_written.set(file.stat().st_mtime)


@contextmanager
def appending(row: str) -> Iterator[None]:
    """For an append to the decision log: how long it takes, and whether it fails."""
    began = perf_counter()
    try:
        yield
    except Exception:
        _failed(row)
        raise
    _took(row, perf_counter() - began)


@_harmless
def _failed(row: str) -> None:
    _meters[0].log_failures.labels(row).inc()


@_harmless
def _took(row: str, seconds: float) -> None:
    _meters[0].append_seconds.labels(row).observe(seconds)


def reasons(outcome: Outcome) -> list[tuple[str, str]]:
    """Why an outcome refuses: control and code of each violation that denies, and the codes of problems; each once."""
    found = [("", str(problem["code"])) for problem in outcome.problems]
    for finding in outcome.findings:
        if finding["status"] in {"fail", "undecided"}:
            codes = [str(violation["code"]) for violation in finding.get("violations", ())]
            found += [(str(finding["control"]), code) for code in codes or [str(finding["status"])]]
    return list(dict.fromkeys(found))
