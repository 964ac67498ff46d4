# SPDX-License-Identifier: Apache-2.0
"""Clients in processes of their own. Nothing heavy is imported here: eight of them start at once."""

from __future__ import annotations

import time

import requests


def moves(url: str, name: str, number: str, seconds: float, end: float) -> int:
    """How often one client sets an alias in the last seconds before the end, by `time.monotonic`.

    It keeps its connection, as MLflow's own client does.
    """
    body = {"name": name, "alias": "champion", "version": number}
    with requests.Session() as session:
        done = 0
        while (now := time.monotonic()) < end:
            answer = session.post(f"{url}/api/2.0/mlflow/registered-models/alias", json=body, timeout=60)
            answer.raise_for_status()
            done += now >= end - seconds
        return done
