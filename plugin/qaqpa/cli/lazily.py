# SPDX-License-Identifier: Apache-2.0
"""Imports that take seconds, made only where they are needed."""

from __future__ import annotations

import importlib
from typing import Any

from qaqpa.errors import UsageError, with_extra

MODELS = "models:/"
"""What the URI of a registered model begins with."""


def with_mlflow(module: str) -> Any:
    """A module of `qaqpa.mlflow`.

    Raises:
        UsageError: MLflow is not installed.
    """
    try:
        return importlib.import_module(f"qaqpa.mlflow.{module}")
    except ImportError as error:
        raise UsageError("MLflow is not installed, so no registry can be reached", mend=with_extra("mlflow")) from error
