# SPDX-License-Identifier: Apache-2.0
"""Locations that somebody else could resolve to other bytes are not judged."""

from __future__ import annotations

from pathlib import Path

import pytest
from mlflow.server import ARTIFACTS_DESTINATION_ENV_VAR, BACKEND_STORE_URI_ENV_VAR

from qaqpa.mlflow.locations import BytesMissingError, check_local, check_location, spellings


@pytest.mark.parametrize(
    "location",
    [
        "mlflow-artifacts://127.0.0.1:5999/x/models/m-1/artifacts",
        "mlflow-artifacts:////127.0.0.1:5999/x",
        "MLFLOW-ARTIFACTS://host/x",
        "mlflow-artifacts:/x//y",
        "mlflow-artifacts:/\\host/x",
        "http://host/api/2.0/mlflow-artifacts/artifacts/x",
    ],
)
def test_a_proxied_location_that_names_a_host(location: str) -> None:
    with pytest.raises(BytesMissingError, match="names a host"):
        check_location(location)


@pytest.mark.parametrize("location", ["runs:/0123/model", "models:/credit/1", "models:/m-0123", "RUNS:/0123/model"])
def test_a_pointer_that_moves(location: str) -> None:
    with pytest.raises(BytesMissingError, match="no fixed bytes"):
        check_location(location)


@pytest.mark.parametrize("location", ["mlflow-artifacts:/0/models/m-1/artifacts", "s3://bucket/model", "/srv/model"])
def test_plain_locations_pass(location: str) -> None:
    check_location(location)


def test_a_server_reads_its_own_store_and_what_it_was_told_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(BACKEND_STORE_URI_ENV_VAR, "sqlite:///m.db")
    monkeypatch.setenv(ARTIFACTS_DESTINATION_ENV_VAR, str(tmp_path / "own"))
    check_local(tmp_path / "own" / "0" / "model", [])
    check_local(tmp_path / "listed" / "model", [tmp_path / "listed"])
    for elsewhere in (tmp_path / "elsewhere", tmp_path / "own-not", Path("/etc")):
        with pytest.raises(BytesMissingError, match="outside the artifact roots"):
            check_local(elsewhere, [tmp_path / "listed"])
        with pytest.raises(BytesMissingError, match="outside the artifact roots"):
            check_local(elsewhere, [])


def test_outside_a_server_any_directory_can_be_judged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(BACKEND_STORE_URI_ENV_VAR, raising=False)
    check_local(tmp_path, [])
    with pytest.raises(BytesMissingError):
        check_local(tmp_path, [tmp_path / "listed"])


@pytest.mark.parametrize(
    "location",
    [
        "mlflow-artifacts:/0/run/artifacts/model?a=b",
        "mlflow-artifacts:/0/run/artifacts/model#x",
        "mlflow-artifacts:/0/run/artifacts/model;p",
        "mlflow-artifacts:///0/run/artifacts/model",
        "MLFLOW-ARTIFACTS:/0/run/artifacts/model",
        "mlflow-artifacts:/0/run/./artifacts/model",
        "mlflow-artifacts:/0/run/x/../artifacts/model",
        "file:/srv/model",
        "file://localhost/srv/model",
        "file:///srv//model",
        "file:///srv/model?x",
        "/srv//model",
        "/srv/./model",
        "/srv/data/../model",
        "s3://bucket/model?x=1",
        "S3://bucket/model",
        "s3://bucket//model",
        "s3://bucket/x/../model",
        "//srv/model",
        "srv/model",
        " /srv/model",
        "/srv/model\t",
        "file:///srv/a%62",
        "file:///srv/a;x",
    ],
)
def test_another_spelling_of_a_place_is_not_judged(location: str) -> None:
    with pytest.raises(BytesMissingError):
        check_location(location)


@pytest.mark.parametrize(
    "location",
    [
        "mlflow-artifacts:/0/run/artifacts/model",
        "file:///srv/model",
        "/srv/model",
        "/srv/model/",
        "s3://bucket/a/model",
    ],
)
def test_the_plain_spelling_is_judged(location: str) -> None:
    check_location(location)
    assert location in spellings(location)


def test_a_path_and_its_uri_are_one_place() -> None:
    assert spellings("/srv/model") == spellings("file:///srv/model/")
    assert spellings("/") == set()
