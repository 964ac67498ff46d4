# SPDX-License-Identifier: Apache-2.0
"""The made-up bank: the two models that it trains on real applications, and what it hands in for each."""

from __future__ import annotations

import contextlib
import io
import secrets
import tempfile
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import mlflow
from mlflow import MlflowClient
from sklearn.pipeline import Pipeline

from qaqpa.demo import measure, papers
from qaqpa.demo.applications import halves, read_applications
from qaqpa.demo.papers import Papers
from qaqpa.demo.train import log_model, train
from qaqpa.times import now

REGISTERED_MODEL = "mortgage-approval"
RACE = "race"


@dataclass(frozen=True)
class Candidate:
    """A trained model with what was computed: on the half that it never saw, and of the one that it learned from."""

    balanced: bool
    model: Pipeline
    numbers: dict[str, Any]
    reports: dict[str, bytes]

    @property
    def title(self) -> str:
        """What it is, in a few words."""
        return "class-balanced logistic regression" if self.balanced else "plain logistic regression"

    @property
    def ratio(self) -> float:
        """The lowest approval rate of a race, divided by the highest."""
        return measure.lowest_ratio(self.numbers["groups"], RACE)


class Bank:
    """Trains, logs to the server, and fills in papers."""

    def __init__(self) -> None:
        """Reads and cuts the data."""
        self._system_id = secrets.token_hex(16)
        self._applications = read_applications()
        self._train, self._held_out = halves(self._applications)

    def __len__(self) -> int:
        """How many applications there are."""
        return len(self._applications)

    @cached_property
    def balanced(self) -> Candidate:
        """The model that comes first."""
        return self._trained(balanced=True)

    @cached_property
    def plain(self) -> Candidate:
        """The model that mends it."""
        return self._trained(balanced=False)

    def register(self, candidate: Candidate, client: MlflowClient) -> tuple[str, Papers]:
        """Logs a model with its reports, and registers it.

        Returns:
            The version, and what the bank can hand in for it.
        """
        if not client.search_registered_models(f"name = '{REGISTERED_MODEL}'"):
            client.create_registered_model(REGISTERED_MODEL)
        files = {**papers.made_up(), **candidate.reports}
        # MLflow reports each registration on standard error, which would cut into the story.
        with contextlib.redirect_stderr(io.StringIO()), mlflow.start_run(run_name=candidate.title) as run:
            version = log_model(candidate.model, self._train, registered_as=REGISTERED_MODEL)
            _log_files(files)
        prefix = f"runs:/{run.info.run_id}/documents/"
        # The day is read only now: a paper must not be older than the run, even when the demo runs past midnight.
        today = now().date()
        return version, Papers(REGISTERED_MODEL, self._system_id, today, prefix, files, candidate.numbers)

    def _trained(self, *, balanced: bool) -> Candidate:
        model = train(self._train, balanced=balanced)
        numbers, reports = papers.measured(model, self._train, self._held_out, balanced=balanced)
        return Candidate(balanced, model, numbers, reports)


def _log_files(files: dict[str, bytes]) -> None:
    with tempfile.TemporaryDirectory() as directory:
        for name, data in files.items():
            (Path(directory) / name).write_bytes(data)
        mlflow.log_artifacts(directory, "documents")
