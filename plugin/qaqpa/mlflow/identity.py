# SPDX-License-Identifier: Apache-2.0
"""Who asks, as the login in front of MLflow established it; nothing that a client merely claims is believed."""

from __future__ import annotations

import flask

SYSTEM_USER = "system"
"""Who acts where there is no web request: a job, or a program that opened the store itself."""


def acting_user() -> str | None:
    """The name that `basic-auth` or `mlflow-oidc-auth` verified; None where no login stands before the server."""
    if not flask.has_request_context():
        return SYSTEM_USER
    name = getattr(flask.g, "mlflow_authenticated_user", None)
    if not name:
        name = getattr(flask.request.environ.get("mlflow_oidc_auth"), "username", None)
    return str(name) if name else None
