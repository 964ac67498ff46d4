# SPDX-License-Identifier: Apache-2.0
"""Whoever is refused over and over is not judged for a while; nobody else is, and nothing else waits."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import flask
import pytest

from qaqpa.mlflow import limiting
from qaqpa.mlflow.denial import RefusedError
from qaqpa.mlflow.limiting import Refusals
from support.operated import GATES, Operated, refused

FEW = f"{GATES}limits: {{refusals_per_minute: 3}}\n"


class Clock:
    """A clock that only a test moves."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 0.0
        monkeypatch.setattr(limiting.time, "monotonic", lambda: self.now)


@contextmanager
def _as(user: str | None, address: str = "10.0.0.1") -> Iterator[None]:
    with flask.Flask("test").test_request_context(environ_base={"REMOTE_ADDR": address}):
        if user:
            flask.g.mlflow_authenticated_user = user
        yield


def _stopped(refusals: Refusals, model: str = "credit") -> bool:
    try:
        refusals.check(model)
    except RefusedError as error:
        told = error.json_kwargs["qaqpa"]["problems"][0]["code"], error.get_http_status_code()
    else:
        return False
    return told == ("too_many_refusals", 403)


def test_after_so_many_refusals_nothing_is_judged_until_some_time_has_passed(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, refusals = Clock(monkeypatch), Refusals(3)
    with _as("dana"):
        for _ in range(3):
            assert not _stopped(refusals)
            refusals.count("credit")
        assert _stopped(refusals)
        clock.now = 19.9
        assert _stopped(refusals)
        clock.now = 20.1
        assert not _stopped(refusals)
        refusals.count("credit")
        assert _stopped(refusals)
        clock.now = 1000
        for _ in range(3):
            assert not _stopped(refusals)
            refusals.count("credit")
        assert _stopped(refusals)


def test_nobody_can_use_up_what_is_left_to_others(monkeypatch: pytest.MonkeyPatch) -> None:
    Clock(monkeypatch)
    refusals = Refusals(1)
    with _as("mallory"):
        refusals.count("credit")
        assert _stopped(refusals)
        assert _stopped(refusals, "ＣＲＥＤＩＴ")
        assert not _stopped(refusals, "other")
    with _as("dana"):
        assert not _stopped(refusals)
    with _as(None, "10.0.0.2"):
        refusals.count("credit")
        assert _stopped(refusals)
    with _as(None, "10.0.0.3"):
        assert not _stopped(refusals)
    with _as("address 10.0.0.2"):
        assert not _stopped(refusals)


def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    Clock(monkeypatch)
    monkeypatch.setattr(limiting, "MOST_REMEMBERED", 5)
    refusals = Refusals(1)
    for number in range(20):
        refusals.count(f"model-{number}")
    assert len(refusals._buckets) == 5
    assert _stopped(refusals, "model-19")


def test_a_flood_is_not_judged_and_takes_nothing_hostage(
    tmp_path: Path, empty_database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    operated = Operated(tmp_path, empty_database, monkeypatch)
    operated.configure(FEW.replace("article-baseline", "article-baseline, kz"))
    store = operated.open()
    operated.raw.set_registered_model_alias("good", "production", 1)
    verdicts = [refused(store) for _ in range(3)]
    assert all(found["findings"] for found in verdicts)
    for _ in range(10):
        assert refused(store)["problems"][0]["code"] == "too_many_refusals"
    assert len(operated.rows("decision")) == 3
    operated.raw.create_registered_model("other")
    operated.raw.rename_registered_model("good", "kept")
    store.rename_registered_model("other", "good")
    operated.raw.delete_registered_model("good")
    operated.raw.rename_registered_model("kept", "good")
    began = time.monotonic()
    store.delete_registered_model_alias("good", "production")
    store.transition_model_version_stage("good", 1, "Archived", archive_existing_versions=False)
    assert time.monotonic() - began < 2
    operated.configure(FEW)
    assert refused(store)["problems"][0]["code"] == "too_many_refusals", "a reload forgets nobody"
    operated.configure(f"{GATES}limits: {{refusals_per_minute: 50}}\n")
    store.set_registered_model_alias("good", "production", 1)
