# SPDX-License-Identifier: Apache-2.0
"""Clients in processes of their own. Nothing heavy is imported here: eight of them start at once."""

from __future__ import annotations

import itertools
import time
from collections.abc import Sequence

import requests


def moves(url: str, name: str, versions: Sequence[str], seconds: float, end: float) -> int:
    """How often one client moves an alias in the last seconds before the end, by `time.monotonic`.

    It goes from version to version, so that each time something changes.

    It keeps its connection, as MLflow's own client does.
    """
    numbers = itertools.cycle(versions)
    with requests.Session() as session:
        done = 0
        while (now := time.monotonic()) < end:
            body = {"name": name, "alias": "champion", "version": next(numbers)}
            answer = session.post(f"{url}/api/2.0/mlflow/registered-models/alias", json=body, timeout=60)
            answer.raise_for_status()
            done += now >= end - seconds
        return done
