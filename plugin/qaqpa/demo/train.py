# SPDX-License-Identifier: Apache-2.0
"""Trains the two models of the demo, and logs them so that loading them runs no pickled code."""

from __future__ import annotations

import mlflow
import sklearn
from mlflow.models import infer_signature
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from qaqpa.demo.applications import Applications


def train(applications: Applications, *, balanced: bool) -> Pipeline:
    """Fits a logistic regression on standardised inputs; class 1 is approval.

    The optimum is reached to many digits, so that every machine counts the same decisions.

    Args:
        applications: what to learn from.
        balanced: weigh refusals and approvals alike, although refusals are rare: a usual recipe, here a harmful one.
    """
    model = make_pipeline(
        StandardScaler(),
        LogisticRegression(class_weight="balanced" if balanced else None, tol=1e-10, max_iter=10_000),
    )
    return model.fit(applications.inputs, applications.approved.astype(int))


def log_model(model: Pipeline, applications: Applications, *, registered_as: str) -> str:
    """Logs a model in the run that is open, in the format `skops`, and registers it.

    Args:
        model: a trained model.
        applications: what it was trained on; they show the types of its inputs.
        registered_as: name of the registered model; it must exist.

    Returns:
        The version that MLflow gave it.
    """
    info = mlflow.sklearn.log_model(
        model,
        name="model",
        serialization_format="skops",
        signature=infer_signature(applications.inputs, model.predict(applications.inputs.head())),
        # Named here, so that MLflow does not start another process to find out.
        pip_requirements=[f"scikit-learn=={sklearn.__version__}"],
        registered_model_name=registered_as,
    )
    return str(info.registered_model_version)
