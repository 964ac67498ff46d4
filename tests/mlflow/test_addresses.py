# SPDX-License-Identifier: Apache-2.0
"""Where an address leads into an artifact store that freezes, whatever scheme it is written with."""

from __future__ import annotations

from typing import Any

import pytest
from mlflow.server import ARTIFACTS_DESTINATION_ENV_VAR
from mlflow.store.artifact import artifact_repository_registry
from mlflow.store.artifact.azure_blob_artifact_repo import AzureBlobArtifactRepository
from mlflow.store.artifact.b2_artifact_repo import B2ArtifactRepository
from mlflow.store.artifact.ftp_artifact_repo import FTPArtifactRepository
from mlflow.store.artifact.local_artifact_repo import LocalArtifactRepository
from mlflow.store.artifact.r2_artifact_repo import R2ArtifactRepository

from qaqpa.mlflow import frozen
from qaqpa.mlflow.addresses import LEFT_OUT, TELLABLE, UNTELLABLE, WITH_ENDPOINT, is_tellable, places
from qaqpa.mlflow.artifact_stores import own_kind
from qaqpa.mlflow.denial import RefusedError
from qaqpa.mlflow.store import PREFIX
from support.frozen import MODEL, World

_S3, _AZURE = "s3://models/root", "abfss://models@account.dfs.core.windows.net/root"


def _promote(world: World) -> None:
    world.raw.set_registered_model_alias("credit", "production", 1)


def _mlflows_own() -> set[str]:
    """The schemes that MLflow itself registers: those of its module, without what plugins added."""
    found = artifact_repository_registry.get_registered_artifact_repositories()
    return {scheme for scheme in found if own_kind(scheme).__module__.startswith("mlflow.")}


def test_each_scheme_for_which_mlflow_has_a_store_is_guarded_or_left_out_with_a_reason() -> None:
    lists = (TELLABLE, WITH_ENDPOINT, UNTELLABLE, frozenset(LEFT_OUT))
    ours = frozenset().union(*lists)
    assert _mlflows_own() == ours
    assert sum(map(len, lists)) == len(ours), "one of them is in two lists"
    assert all(len(reason.split()) > 3 for reason in LEFT_OUT.values())


@pytest.mark.parametrize(
    ("root", "address", "path", "found"),
    [
        (_S3, "s3://models/root/0", "model/weights", {"0/model/weights"}),
        (_S3, "S3://models/root/0/", "", {"0"}),
        (_S3, "s3://models/root", "", {""}),
        (_S3, "s3://models", "", {""}),
        (_S3, "s3://models", "root/0", {"0"}),
        (_S3, "s3://models/root-2/0", "", set()),
        (_S3, "s3://models-2/root/0", "", set()),
        (_S3, "s3://models/other", "x", set()),
        (_S3, "s3://models/root/0?x=y", "weights", {"0/weights"}),
        (_S3, "s3://models/other/../root/0", "weights", {"0/weights"}),
        (_S3, "s3://models/root/0/model/../evil", "x", {"0/evil/x", "0/model"}),
        (_S3, "s3://models/root/0", "model/%2e%2e/%2e%2e/evil", {"0/model/%2e%2e/%2e%2e/evil", "evil", "0/model"}),
        (_S3, "s3://models/root%2F0", "weights", {"0/weights"}),
        (_S3, "gs://models/root/0", "weights", {"0/weights"}),
        (_AZURE, "wasbs://models@account.blob.core.windows.net/root/0", "weights", {"0/weights"}),
        (_AZURE, "abfss://models@account.dfs.core.windows.net/root%2F0", "weights", {"0/weights"}),
        (_AZURE, "wasbs://models@other.blob.core.windows.net/root/0", "", {"0"}),
        (_AZURE, "wasbs://models-2@account.blob.core.windows.net/root/0", "", set()),
        (_AZURE, "s3://models/root/0", "", set()),
        (_AZURE.replace("abfss", "wasbs"), "abfss://models@account.dfs.core.windows.net/x/../root", "0", {"0"}),
        ("/srv/models", "s3://models/srv/models", "0", set()),
        (_S3, "/models/root/0", "", set()),
        (_S3, "file:///models/root/0", "", set()),
    ],
)
def test_one_bucket_has_many_addresses(root: str, address: str, path: str, found: set[str]) -> None:
    assert places(root, address, path) == found


@pytest.mark.parametrize(
    ("root", "address", "tells"),
    [
        (_S3, "s3://models/root", True),
        (_S3, "gs://other", True),
        (_S3, "/srv/models", True),
        (_S3, "r2://models@account.r2.cloudflarestorage.com/root", False),
        (_S3, "R2://other@proxy.example/models/root", False),
        ("gs://models/root", "b2://other@s3.us-west-004.backblazeb2.com", False),
        ("/srv/models", "b2://other@s3.us-west-004.backblazeb2.com", True),
        (_AZURE, "r2://models@account.r2.cloudflarestorage.com/root", True),
        ("/srv/models", "sftp://localhost/srv/models", False),
        (_S3, "a-plugins-own://anything", False),
        (_S3, "s3://models-abc123-s3alias/root", False),
        (_S3, "s3://arn:aws:s3:eu-west-1:1:accesspoint/models/root", False),
        ("s3://models-abc123-s3alias/root", "s3://models-abc123-s3alias/root/0", True),
        ("s3://models-abc123-s3alias/root", "s3://models/root/0", False),
        (_AZURE, "s3://models-abc123-s3alias/root", True),
    ],
)
def test_what_an_address_does_not_tell(root: str, address: str, *, tells: bool) -> None:
    assert is_tellable(root, address) is tells


def _opened(uri: str) -> Any:
    """A store that MLflow opens itself, because an experiment names this address."""
    kind = own_kind(uri.partition(":")[0])
    return frozen.open_beside(kind, uri, None, None)


@pytest.fixture
def bucket(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """A server on a bucket, in which one version is in production; whatever is written there fails the test."""
    monkeypatch.setenv(ARTIFACTS_DESTINATION_ENV_VAR, f"{PREFIX}{_S3}")
    for kind in (R2ArtifactRepository, B2ArtifactRepository):
        monkeypatch.setattr(kind, "_get_region_name", lambda _: "auto")
        monkeypatch.setattr(kind, "_get_s3_client", lambda _: pytest.fail("it was written"))
    _promote(world)
    return world


@pytest.mark.parametrize(
    "uri", ["r2://models@account.r2.cloudflarestorage.com/root", "b2://models@s3.us-west-004.backblazeb2.com/root"]
)
def test_an_experiment_at_r2_or_b2_is_no_way_around_a_bucket_that_freezes(bucket: World, uri: str) -> None:
    (bucket.directory / "weights").write_text("evil")
    repo = _opened(uri)
    for call in (
        lambda: repo.log_artifact(str(bucket.directory / "weights"), MODEL),
        lambda: repo.log_artifacts(str(bucket.directory / "artifacts"), MODEL),
        lambda: repo.delete_artifacts("0"),
        lambda: repo.create_multipart_upload("weights", 1, MODEL),
        lambda: repo.create_presigned_upload_url(f"{MODEL}/weights"),
    ):
        with pytest.raises(RefusedError) as caught:
            call()
        assert caught.value.json_kwargs["qaqpa"]["problems"][0]["code"] == "unknown_place"


def test_a_container_has_two_schemes_and_is_frozen_by_both(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ARTIFACTS_DESTINATION_ENV_VAR, f"{PREFIX}{_AZURE}")
    (world.directory / "weights").write_text("evil")
    _promote(world)
    monkeypatch.setattr(AzureBlobArtifactRepository, "log_artifact", lambda *_: pytest.fail("it was written"))
    monkeypatch.setattr(
        AzureBlobArtifactRepository, "__init__", lambda own, uri, **_: setattr(own, "artifact_uri", uri)
    )
    repo = _opened("wasbs://models@account.blob.core.windows.net/root")
    with pytest.raises(RefusedError) as caught:
        repo.log_artifact(str(world.directory / "weights"), MODEL)
    assert caught.value.json_kwargs["qaqpa"]["problems"][0]["code"] == "frozen"


@pytest.mark.parametrize("destination", ["{root}", f"{_S3}", f"{_AZURE}"])
def test_where_nobody_can_tell_where_an_address_leads_nothing_is_written(
    world: World, monkeypatch: pytest.MonkeyPatch, destination: str
) -> None:
    """`sftp://localhost/srv/…` is the server's own disk; the name of a host does not say so."""
    monkeypatch.setenv(ARTIFACTS_DESTINATION_ENV_VAR, PREFIX + destination.format(root=f"file://{world.root}"))
    (world.directory / "weights").write_text("evil")
    monkeypatch.setattr(FTPArtifactRepository, "get_ftp_client", lambda _: pytest.fail("it was written"))
    repo = _opened(f"ftp://localhost{world.root}")
    for call in (
        lambda: repo.log_artifact(str(world.directory / "weights"), MODEL),
        lambda: repo.delete_artifacts(MODEL),
    ):
        with pytest.raises(RefusedError) as caught:
            call()
        assert caught.value.json_kwargs["qaqpa"]["problems"][0]["code"] == "unknown_place"


def test_a_store_that_a_function_makes_asks_as_well(world: World) -> None:
    """MLflow's store for `dbfs:` can be one of this disk; a plugin's can be anything."""

    def make(uri: str, tracking_uri: str | None = None, registry_uri: str | None = None) -> LocalArtifactRepository:
        return LocalArtifactRepository(uri.replace("dbfs:", "file:"), tracking_uri, registry_uri)

    _promote(world)
    repo = frozen.open_beside(make, f"dbfs://{world.root}", None, None)
    assert isinstance(repo, LocalArtifactRepository)
    assert world.frozen(f"{MODEL}/weights", repo)
    assert not world.frozen("1/free", repo)
