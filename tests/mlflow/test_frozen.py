# SPDX-License-Identifier: Apache-2.0
"""Which writes an artifact store with the prefix refuses, and what it does where it cannot tell."""

from __future__ import annotations

import asyncio
import io
import tempfile
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import flask
import pytest
import requests
from mlflow.exceptions import MlflowException
from mlflow.server import (
    ARTIFACTS_DESTINATION_ENV_VAR,
    REGISTRY_STORE_URI_ENV_VAR,
    handlers,
)
from mlflow.store.artifact import http_artifact_repo
from mlflow.store.artifact.artifact_repo import ArtifactRepository, MultipartUploadMixin, StreamUploadMixin
from mlflow.store.artifact.azure_blob_artifact_repo import AzureBlobArtifactRepository
from mlflow.store.artifact.gcs_artifact_repo import GCSArtifactRepository
from mlflow.store.artifact.http_artifact_repo import HttpArtifactRepository
from mlflow.store.artifact.local_artifact_repo import LocalArtifactRepository
from mlflow.store.artifact.s3_artifact_repo import S3ArtifactRepository
from sqlalchemy import event, select
from sqlalchemy.exc import OperationalError

from qaqpa.mlflow import freezing, frozen, sources
from qaqpa.mlflow.artifact_stores import build_frozen
from qaqpa.mlflow.denial import RefusedError
from qaqpa.mlflow.freezing import wait_for_writers, writing
from qaqpa.mlflow.locations import NotHashedError
from qaqpa.mlflow.tables import WRITERS
from qaqpa.mlflow.writes import rows
from support.frozen import MODEL, World


def _promote(world: World, name: str = "credit") -> None:
    world.raw.set_registered_model_alias(name, "production", 1)


def test_nothing_is_frozen_before_and_all_below_the_directory_is_while_in_production(any_world: World) -> None:
    assert not any_world.frozen(f"{MODEL}/weights")
    _promote(any_world)
    for path in (f"{MODEL}/weights", f"{MODEL}/new/file", MODEL, f"{MODEL}/.", "0/./run//artifacts/model/weights"):
        assert any_world.frozen(path), path
    for path in (f"{MODEL}-2/weights", "0/run/artifacts/plot.png", "0/other/model", "top"):
        assert not any_world.frozen(path), path
    any_world.raw.delete_registered_model_alias("credit", "production")
    assert not any_world.frozen(f"{MODEL}/weights")


@pytest.mark.parametrize(
    ("name", "bring", "is_frozen"),
    [
        (
            "other",
            lambda raw: raw.transition_model_version_stage("other", 1, "Production", archive_existing_versions=False),
            True,
        ),
        (
            "other",
            lambda raw: raw.transition_model_version_stage("other", 1, "Staging", archive_existing_versions=False),
            False,
        ),
        ("other", lambda raw: raw.set_registered_model_alias("other", "PRODUCTION", 1), True),
        ("other", lambda raw: raw.set_registered_model_alias("other", "latest-good", 1), False),
        ("live", lambda _: None, True),
        ("observed", lambda raw: raw.set_registered_model_alias("observed", "production", 1), False),
    ],
)
def test_production_is_what_the_configuration_says(
    any_world: World, name: str, bring: Callable[[Any], object], *, is_frozen: bool
) -> None:
    any_world.register(name, "mlflow-artifacts:/1/run/artifacts/model/")
    bring(any_world.raw)
    assert any_world.frozen("1/run/artifacts/model/weights") is is_frozen


def test_a_copy_keeps_the_bytes_of_its_source_frozen(any_world: World) -> None:
    any_world.raw.create_registered_model("live")
    any_world.raw.create_model_version("live", "models:/credit/1")
    assert any_world.frozen(f"{MODEL}/weights")


def test_the_paths_of_workspaces(any_world: World) -> None:
    any_world.register("live", "mlflow-artifacts:/workspaces/team/1/model")
    assert any_world.frozen("workspaces/team/1/model/weights")
    _promote(any_world)
    assert any_world.frozen(f"workspaces/other/{MODEL}/weights"), "a location without the workspace may lie in any"
    assert not any_world.frozen("workspaces/team/2/model/weights")


def test_deleting_what_holds_it_deletes_nothing(any_world: World) -> None:
    _promote(any_world)
    for path in (f"{MODEL}/weights", MODEL, "0/run/artifacts", "0/", "", None):
        with pytest.raises(RefusedError):
            any_world.repo.delete_artifacts(path)
    any_world.repo.delete_artifacts("1")
    assert (any_world.root / MODEL / "weights").read_text() == "good"


def test_each_method_that_writes_is_refused(world: World, tmp_path: Path) -> None:
    """All that the table knows, on a store that has them all."""
    _promote(world)
    frozen._registry.cache_clear()
    local = tmp_path / "weights"
    local.write_text("evil")

    class Everything(LocalArtifactRepository, MultipartUploadMixin):
        def create_multipart_upload(self, *_: Any) -> None:
            raise AssertionError

        complete_multipart_upload = abort_multipart_upload = create_multipart_upload

        def upload_archived_trace_data_bytes(self, _: bytes) -> None:
            raise AssertionError

    async def chunks() -> AsyncIterator[bytes]:
        yield b"evil"

    repo = frozen._frozen(Everything)(f"file://{world.root}")
    inside = frozen._frozen(Everything)(f"file://{world.root}/{MODEL}")
    calls = {
        "log_artifact": lambda: repo.log_artifact(str(local), MODEL),
        "log_artifacts": lambda: repo.log_artifacts(str(tmp_path), "0/run"),
        "log_artifact_from_stream": lambda: repo.log_artifact_from_stream(io.BytesIO(b"e"), "weights", MODEL),
        "log_artifact_from_async_stream": lambda: asyncio.run(
            repo.log_artifact_from_async_stream(chunks(), "weights", MODEL)
        ),
        "create_multipart_upload": lambda: repo.create_multipart_upload("weights", 1, MODEL),
        "complete_multipart_upload": lambda: repo.complete_multipart_upload("weights", "id", [], MODEL),
        "create_presigned_upload_url": lambda: repo.create_presigned_upload_url("1/free"),
        "upload_archived_trace_data_bytes": lambda: inside.upload_archived_trace_data_bytes(b"e"),
        "upload_trace_data": lambda: inside.upload_trace_data("{}"),
        "upload_attachment": lambda: inside.upload_attachment("7c1f0d1e-0000-4000-8000-000000000000", b"e"),
        "delete_artifacts": lambda: repo.delete_artifacts(MODEL),
    }
    writing_methods = {
        name for row in rows() if row.id in {"upload", "delete-artifacts"} for name in row.calls["artifacts"]
    }
    # What takes parts back writes nothing; archived trace data is written by the method for bytes.
    assert set(calls) == writing_methods - {"abort_multipart_upload", "upload_archived_trace_data"}
    for name, call in calls.items():
        with pytest.raises(RefusedError):
            call()
        assert sorted(path.name for path in (world.root / MODEL).iterdir()) == ["weights"], name
    assert (world.root / MODEL / "weights").read_text() == "good"


def test_what_arrives_after_the_promotion_is_not_put_in_place(any_world: World) -> None:
    class Slow(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            _promote(any_world)
            return super().read(size)

    with pytest.raises(RefusedError):
        any_world.repo.log_artifact_from_stream(Slow(b"evil"), "weights", MODEL)
    assert (any_world.root / MODEL / "weights").read_text() == "good"


@pytest.mark.parametrize("is_async", [False, True])
def test_a_promotion_between_the_question_and_the_first_byte_leaves_no_file_beside_the_model(
    world: World, monkeypatch: pytest.MonkeyPatch, *, is_async: bool
) -> None:
    """What arrives is first written beside its place, where it would be one of the model's files."""
    asked, made = [], []
    check, make = frozen.FrozenMixin._check, tempfile.mkstemp

    def check_then_promote(repo: Any, *where: Any) -> None:
        check(repo, *where)
        if not asked:
            _promote(world)
        asked.append(where)

    async def chunks() -> AsyncIterator[bytes]:
        yield b"evil"

    monkeypatch.setattr(frozen.FrozenMixin, "_check", check_then_promote)
    monkeypatch.setattr(tempfile, "mkstemp", lambda **where: made.append(where) or make(**where))
    repo = world.repo
    with pytest.raises(RefusedError):
        asyncio.run(
            repo.log_artifact_from_async_stream(chunks(), "weights", MODEL)
            if is_async
            else asyncio.to_thread(repo.log_artifact_from_stream, io.BytesIO(b"evil"), "weights", MODEL)
        )
    assert len(asked) == 1, "it was asked a second time, and refused"
    assert not made


def test_the_bytes_are_frozen_while_they_are_judged_and_thaw_when_it_is_refused(any_world: World) -> None:
    seen = []
    any_world.meddle = lambda: seen.append(any_world.frozen(f"{MODEL}/weights"))
    with pytest.raises(RefusedError):
        any_world.gated.set_registered_model_alias("credit", "production", 1)
    assert seen == [True]
    assert not any_world.frozen(f"{MODEL}/weights")


def test_a_version_whose_bytes_lie_elsewhere_is_not_promoted(world: World) -> None:
    world.register("elsewhere", str(world.root / MODEL))
    with pytest.raises(RefusedError) as caught:
        world.gated.set_registered_model_alias("elsewhere", "production", 1)
    assert "not_frozen" in {problem["code"] for problem in caught.value.json_kwargs["qaqpa"]["problems"]}


def test_without_an_answer_of_the_database_nothing_is_written(world: World) -> None:
    (world.directory / "mlflow.db").rename(world.directory / "gone.db")
    with pytest.raises(RefusedError) as caught:
        world.upload("1/free")
    assert caught.value.json_kwargs["qaqpa"]["verdict"] == "undecided"
    assert not (world.root / "1").exists()


def test_a_freeze_that_a_killed_process_left_ends(any_world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    with freezing.freezing(any_world.gated):
        assert freezing.freeze(f"mlflow-artifacts:/{MODEL}") == ()
        monkeypatch.setattr(freezing, "_thaw", lambda *_: None)
    assert any_world.frozen(f"{MODEL}/weights")
    later = freezing.time.time_ns() + 25 * 3600 * 10**9
    monkeypatch.setattr(freezing.time, "time_ns", lambda: later)
    assert not any_world.frozen(f"{MODEL}/weights")


def test_a_promotion_waits_for_those_who_write_and_not_for_ever(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    del world
    wait_for_writers()
    monkeypatch.setattr(freezing, "_PATIENCE_SECONDS", 0.05)
    with writing(), writing(), pytest.raises(NotHashedError) as caught:
        wait_for_writers()
    assert caught.value.problem.code == "being_written"


def test_a_deeper_address_is_frozen_by_where_it_lies(world: World) -> None:
    _promote(world)
    assert world.frozen("weights", build_frozen(f"qaqpa+file://{world.root}/{MODEL}"))
    assert not world.frozen("weights", build_frozen(f"qaqpa+file://{world.root}/1"))
    with pytest.raises(MlflowException):
        world.upload("weights", build_frozen(f"qaqpa+file://{world.directory}/elsewhere"))


def test_other_stores_are_what_mlflow_has_for_them(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    del world
    monkeypatch.setenv(ARTIFACTS_DESTINATION_ENV_VAR, "qaqpa+s3://bucket/root")
    repo = build_frozen("qaqpa+s3://bucket/root")
    assert isinstance(repo, S3ArtifactRepository)
    assert isinstance(repo, MultipartUploadMixin)
    assert not isinstance(repo, StreamUploadMixin)
    with pytest.raises(MlflowException, match="no artifact store"):
        build_frozen("qaqpa+unheard://of")


def test_an_artifact_store_whose_registry_has_no_gate_is_refused(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(REGISTRY_STORE_URI_ENV_VAR, f"sqlite:///{world.directory}/mlflow.db")
    frozen._registry.cache_clear()
    with pytest.raises(MlflowException, match="needs a registry"):
        build_frozen(f"qaqpa+file://{world.root}")


def beside(world: World, uri: str) -> Any:
    """A store that MLflow opens itself, because an experiment names this address."""
    return frozen.open_beside(LocalArtifactRepository, uri.format(root=world.root), None, None)


@pytest.mark.parametrize(
    "uri",
    [
        "file://{root}/" + MODEL,
        "file:{root}/" + MODEL,
        "FILE://{root}/" + MODEL,
        "{root}/" + MODEL,
        "{root}/./0/run/../run/artifacts/model",
        "/proc/self/root{root}/" + MODEL,
        "file://{root}/0/run%2Fartifacts/model",
        "{root}/link",
    ],
)
def test_another_way_into_the_store_is_no_way_around_it(world: World, uri: str) -> None:
    """MLflow writes where an experiment says with the server's rights, past the store with the prefix."""
    (world.root / "link").symlink_to(world.root / MODEL)
    assert not world.frozen("weights", beside(world, uri))
    _promote(world)
    repo = beside(world, uri)
    assert world.frozen("new", repo)
    with pytest.raises(RefusedError):
        repo.delete_artifacts()
    assert not world.frozen("x", beside(world, "{root}/1/run"))


def test_a_directory_that_holds_the_store_is_not_deleted(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    _promote(world)
    with monkeypatch.context() as patched:
        # One of these is the root of this machine: where the question is broken, nothing may really be deleted.
        patched.setattr(LocalArtifactRepository, "delete_artifacts", lambda *_: pytest.fail("it was deleted"))
        for uri in ("{root}", "file://{root}/..", "/"):
            with pytest.raises(RefusedError):
                beside(world, uri).delete_artifacts()
    elsewhere = beside(world, "{root}-2")
    world.upload("x", elsewhere)
    elsewhere.delete_artifacts()
    assert (world.root / MODEL / "weights").read_text() == "good"


@pytest.mark.parametrize(
    ("uri", "path", "places"),
    [
        ("s3://bucket/root/0", "model/weights", {"0/model/weights"}),
        ("S3://Bucket/root/0", "", {"0"}),
        ("s3://bucket/root", "", {""}),
        ("s3://bucket", "", {""}),
        ("s3://bucket", "root/0", {"0"}),
        ("s3://bucket/root-2/0", "", set()),
        ("s3://bucket-2/root/0", "", set()),
        ("s3://bucket/other", "x", set()),
    ],
)
def test_where_an_address_of_a_bucket_leads(
    world: World, monkeypatch: pytest.MonkeyPatch, uri: str, path: str, places: set[str]
) -> None:
    del world
    monkeypatch.setenv(ARTIFACTS_DESTINATION_ENV_VAR, "qaqpa+s3://bucket/root")
    repo = frozen.open_beside(S3ArtifactRepository, uri, None, None)
    assert repo._places(path) == places
    if places:
        with pytest.raises(RefusedError):
            repo.create_presigned_upload_url(path)


AZURE = "wasbs://models@acme.blob.core.windows.net/root"


class OwnParts(S3ArtifactRepository):
    """Another plugin's, which hands out addresses of its own."""

    def create_multipart_upload(self, *_: Any) -> str:
        return "addresses"


class OwnName(S3ArtifactRepository):
    """Another plugin's, which takes parts as MLflow's does."""


def _store(kind: type, uri: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The store for an address, without a client; it pretends to hand out addresses for parts."""
    monkeypatch.setenv(ARTIFACTS_DESTINATION_ENV_VAR, f"qaqpa+{uri}")
    monkeypatch.setattr(freezing, "_PATIENCE_FOR_BUCKETS_SECONDS", 0.1)
    owner = next(one for one in kind.__mro__ if "create_multipart_upload" in vars(one))
    monkeypatch.setattr(owner, "create_multipart_upload", lambda *_: "addresses")
    monkeypatch.setattr(kind, "__init__", ArtifactRepository.__init__)
    return frozen._frozen(kind)(uri)


@pytest.mark.parametrize(
    ("kind", "uri", "is_refused"),
    [
        (S3ArtifactRepository, "s3://bucket/root", False),
        (OwnName, "s3://bucket/root", False),
        (GCSArtifactRepository, "gs://bucket/root", False),
        (OwnParts, "s3://bucket/root", True),
        (AzureBlobArtifactRepository, AZURE, True),
    ],
)
def test_an_address_for_parts_that_could_write_after_the_promotion_is_not_given_out(
    world: World, monkeypatch: pytest.MonkeyPatch, kind: type, uri: str, *, is_refused: bool
) -> None:
    """Azure's lets whoever has it overwrite the whole file for an hour; others only add parts to an upload."""
    del world
    repo = _store(kind, uri, monkeypatch)
    if not is_refused:
        assert repo.create_multipart_upload("weights", 1, MODEL) == "addresses"
        return
    with pytest.raises(RefusedError) as caught:
        repo.create_multipart_upload("weights", 1, MODEL)
    assert caught.value.json_kwargs["qaqpa"]["problems"][0]["code"] == "presigned"


def test_a_client_that_gets_no_address_for_parts_uploads_through_the_server(
    world: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(handlers, "_artifact_repo", _store(AzureBlobArtifactRepository, AZURE, monkeypatch))
    monkeypatch.setenv("MLFLOW_ENABLE_PROXY_MULTIPART_UPLOAD", "true")
    monkeypatch.setenv("MLFLOW_MULTIPART_UPLOAD_MINIMUM_FILE_SIZE", "1")
    asked, arrived = [], []

    def upload(_: Any, local_file: str, directory: str) -> None:
        arrived.append((directory, Path(local_file).read_text()))

    def request(_: Any, endpoint: str, method: str, **sent: Any) -> requests.Response:
        asked.append(method)
        data = sent["data"].read() if "data" in sent else None
        with flask.Flask("mlflow").test_request_context(endpoint, method=method, json=sent.get("json"), data=data):
            own = handlers._create_multipart_upload_artifact if method == "POST" else handlers._upload_artifact
            made = own(f"{MODEL}/weights" if data else MODEL)
        answer = requests.Response()
        answer.status_code, answer._content = made.status_code, made.get_data()
        return answer

    monkeypatch.setattr(AzureBlobArtifactRepository, "log_artifact", upload)
    monkeypatch.setattr(http_artifact_repo, "http_request", request)
    (tmp_path / "weights").write_text("good")
    client = HttpArtifactRepository(f"http://127.0.0.1/api/2.0/mlflow-artifacts/artifacts/{MODEL}")
    client.log_artifact(str(tmp_path / "weights"))
    assert (asked, arrived) == (["POST", "PUT"], [(MODEL, "good")])
    _promote(world)
    with pytest.raises(requests.HTTPError, match="403"):
        client.log_artifact(str(tmp_path / "weights"))
    assert len(arrived) == 1


def test_what_is_in_production_is_told_by_the_configuration_in_force(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sources, "SETTLE_SECONDS", 0.0)
    world.raw.set_registered_model_alias("credit", "live", 1)
    file = world.directory / "qaqpa.yaml"
    before = file.read_text()
    found = [world.frozen(f"{MODEL}/more")]
    for text in (before.replace("aliases: [production]", "aliases: [production, live]"), "gates: 7", before):
        file.write_text(text)
        found.append(world.frozen(f"{MODEL}/more"))
    assert found == [False, True, True, False]


@pytest.fixture
def bucket(world: World, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A store on a bucket that only pretends to write."""
    monkeypatch.setenv(ARTIFACTS_DESTINATION_ENV_VAR, "qaqpa+s3://bucket/root")
    monkeypatch.setattr(freezing, "_PATIENCE_FOR_BUCKETS_SECONDS", 0.1)
    for name in ("_upload_file", "delete_artifacts"):
        monkeypatch.setattr(S3ArtifactRepository, name, lambda *_, **__: world.meddle())
    monkeypatch.setattr(S3ArtifactRepository, "_get_s3_client", lambda _: None)
    return build_frozen("qaqpa+s3://bucket/root")


def _freeze(world: World, path: str = MODEL) -> str | None:
    """Freezes as a promotion does; the code of the problem that stands in the way."""
    with freezing.freezing(world.gated):
        try:
            freezing.freeze(f"mlflow-artifacts:/{path}")
        except NotHashedError as error:
            return error.problem.code
    return None


@pytest.mark.parametrize(
    ("write", "stops"),
    [
        (lambda repo, file: repo.log_artifact(file, MODEL), True),
        (lambda repo, file: repo.log_artifact(file, f"workspaces/team/{MODEL}"), True),
        (lambda repo, _: repo.delete_artifacts("0"), True),
        (lambda repo, _: repo.delete_artifacts(), True),
        (lambda repo, file: repo.log_artifact(file, f"{MODEL}-2"), False),
        (lambda repo, file: repo.log_artifact(file, "1/run"), False),
    ],
)
def test_what_is_being_written_to_a_bucket_is_not_promoted(
    world: World, bucket: Any, tmp_path: Path, write: Callable[[Any, str], object], *, stops: bool
) -> None:
    """The server looked before the promotion, and the file arrives after it."""
    (tmp_path / "weights").write_text("evil")
    seen = []
    world.meddle = lambda: seen.append(_freeze(world))
    write(bucket, str(tmp_path / "weights"))
    assert seen == ["being_written" if stops else None]
    assert _freeze(world) is None, "it has ended"
    with world.gated.ManagedSessionMaker(read_only=False) as session:
        assert not session.execute(select(WRITERS)).all()


def test_what_a_killed_process_left_unfinished_in_a_bucket_stands_in_the_way_for_an_hour(
    world: World, bucket: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    del bucket
    with freezing.announced(world.gated.engine, [MODEL]):
        assert _freeze(world) == "being_written"
        later = freezing.time.time_ns() + 3601 * 10**9
        monkeypatch.setattr(freezing.time, "time_ns", lambda: later)
        assert _freeze(world) is None


def test_writes_that_are_refused_as_frozen_do_not_stand_in_the_way_of_a_promotion(
    world: World, bucket: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a loop of them would keep a version from being promoted."""
    (tmp_path / "weights").write_text("evil")
    world.meddle = lambda: pytest.fail("it was written")
    _promote(world)
    seen = []
    frozen_by = frozen.frozen_by
    monkeypatch.setattr(frozen, "frozen_by", lambda *where: seen.append(_freeze(world)) or frozen_by(*where))
    for write in (
        lambda: bucket.log_artifact(str(tmp_path / "weights"), MODEL),
        lambda: bucket.create_multipart_upload("weights", 1, MODEL),
        lambda: bucket.delete_artifacts(),
    ):
        with pytest.raises(RefusedError):
            write()
    assert seen == [None] * 3


def test_what_is_frozen_between_the_question_and_the_announcement_of_a_write_is_not_written(
    world: World, bucket: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "weights").write_text("evil")
    world.meddle = lambda: pytest.fail("it was written")
    announced = frozen.announced

    def promote_and_announce(*where: Any) -> Any:
        _promote(world)
        return announced(*where)

    monkeypatch.setattr(frozen, "announced", promote_and_announce)
    with pytest.raises(RefusedError):
        bucket.log_artifact(str(tmp_path / "weights"), MODEL)


@pytest.mark.parametrize(("fails", "stays"), [(3, False), (10**6, True)])
def test_an_announcement_that_a_locked_database_keeps_is_taken_back_a_little_later(
    world: World, bucket: Any, monkeypatch: pytest.MonkeyPatch, *, fails: int, stays: bool
) -> None:
    """Else a version could not be promoted for an hour because the database was busy for a moment."""
    del bucket
    monkeypatch.setattr(freezing, "_PATIENCE_TO_TAKE_BACK_SECONDS", 0.5)
    engine, asked = world.gated.engine, []

    def locked(_: Any, __: Any, statement: str, *___: Any) -> None:
        if statement.startswith("DELETE FROM qaqpa_writers"):
            asked.append(statement)
            if len(asked) <= fails:
                raise OperationalError(statement, {}, Exception("database is locked"))

    event.listen(engine, "before_cursor_execute", locked)
    with freezing.announced(engine, [MODEL]):
        pass
    event.remove(engine, "before_cursor_execute", locked)
    assert len(asked) > 3
    assert _freeze(world) == ("being_written" if stays else None)


def test_without_an_answer_of_the_database_nothing_is_written_to_a_bucket(
    world: World, bucket: Any, tmp_path: Path
) -> None:
    (tmp_path / "weights").write_text("evil")
    world.meddle = lambda: pytest.fail("it was written")
    (world.directory / "mlflow.db").unlink()
    with pytest.raises(RefusedError):
        bucket.log_artifact(str(tmp_path / "weights"), MODEL)
