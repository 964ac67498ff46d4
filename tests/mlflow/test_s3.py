# SPDX-License-Identifier: Apache-2.0
"""A real MLflow server whose artifacts lie in a bucket that freezes, on an S3 emulation."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
import requests
from mlflow.store.artifact import s3_artifact_repo
from mlflow.store.artifact.s3_artifact_repo import S3ArtifactRepository

from qaqpa.evidence.digest import dir_hash
from qaqpa.evidence.listing import Limits, TooLargeError
from qaqpa.mlflow.locations import BytesMissingError
from qaqpa.mlflow.trees import RemoteTree, Seen, remote_tree
from support.registry import Registry, Version, passing
from support.servers import Running, mlflow_server, s3_server

pytestmark = pytest.mark.server

BUCKET = "models"
CONFIGURATION = """\
version: 1
gates:
  - {stage: production, profiles: [article-baseline], aliases: [production]}
hashing: {in_request_mib: 1}
"""
LARGE = "x" * (2 << 20)
LIMITS = Limits(1000, 1 << 30)


@pytest.fixture(scope="module")
def storage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with s3_server(tmp_path_factory.mktemp("s3")) as server, pytest.MonkeyPatch.context() as patch:
        for name, value in {
            "AWS_ACCESS_KEY_ID": "only for this test",
            "AWS_SECRET_ACCESS_KEY": "only for this test",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_ENDPOINT_URL_S3": server.url,
            "AWS_EC2_METADATA_DISABLED": "true",
        }.items():
            patch.setenv(name, value)
        # MLflow remembers its client, which an earlier test may have made with other keys, or none.
        s3_artifact_repo._cached_get_s3_client.cache_clear()
        yield server
    s3_artifact_repo._cached_get_s3_client.cache_clear()


@pytest.fixture(scope="module")
def bucket(storage: Running) -> Any:
    client = boto3.client("s3", endpoint_url=storage.url)
    client.create_bucket(Bucket=BUCKET)
    return client


@pytest.fixture(scope="module")
def s3_registry(tmp_path_factory: pytest.TempPathFactory, bucket: Any) -> Iterator[Registry]:
    del bucket
    directory = tmp_path_factory.mktemp("mlflow")
    more = ["--artifacts-destination", f"qaqpa+s3://{BUCKET}/root"]
    with mlflow_server(directory, f"sqlite:///{directory}/mlflow.db", CONFIGURATION, more=more) as server:
        yield Registry(server, directory)


def objects(bucket: Any, version: Version) -> dict[str, str]:
    """What lies in the bucket below the version's directory: ETags by key."""
    found = bucket.list_objects_v2(Bucket=BUCKET, Prefix=f"root/{path_of(version)}/")
    return {entry["Key"]: entry["ETag"] for entry in found.get("Contents", [])}


def path_of(version: Version) -> str:
    return version.source.removeprefix("mlflow-artifacts:/")


def parts(registry: Registry, version: Version, step: str, **body: Any) -> requests.Response:
    url = f"{registry.server.url}/api/2.0/mlflow-artifacts/mpu/{step}/{path_of(version)}"
    return requests.post(url, json={"path": "weights", **body}, timeout=20)


def code(answer: requests.Response) -> str:
    assert answer.status_code == 403, answer.text
    return str(answer.json()["qaqpa"]["problems"][0]["code"])


def in_parts(registry: Registry, version: Version) -> dict[str, Any]:
    """Begins a file in parts and sends its only part; what completes it."""
    begun = parts(registry, version, "create", num_parts=1).json()
    sent = requests.put(begun["credentials"][0]["url"], data=b"evil", timeout=20)
    assert sent.ok, sent.text
    return {"upload_id": begun["upload_id"], "parts": [{"part_number": 1, "etag": sent.headers["ETag"]}]}


def test_a_version_in_production_is_changed_in_no_way(s3_registry: Registry, bucket: Any) -> None:
    registry = s3_registry
    version = registry.registered(evidence=True)
    begun = in_parts(registry, version)
    before = objects(bucket, version)
    assert [key.rpartition("/")[2] for key in before] == ["MLmodel", "weights"]
    assert registry.set_alias(version, "production").ok
    url = f"{registry.server.url}/api/2.0/mlflow-artifacts/artifacts/{path_of(version)}"
    for name in ("data/weights", "new"):
        assert code(requests.put(f"{url}/{name}", data=b"evil", timeout=20)) == "frozen"
    assert code(requests.delete(f"{url}/data/weights", timeout=20)) == "frozen"
    assert code(requests.delete(url, timeout=20)) == "frozen"
    assert code(parts(registry, version, "create", num_parts=1)) == "frozen"
    assert code(parts(registry, version, "complete", **begun)) == "frozen"
    asked = {"run_id": version.run_id, "path": "model/data/weights"}
    assert registry.post("artifacts/presigned-upload-url", asked).status_code in {400, 403}
    assert objects(bucket, version) == before
    experiment = registry.client.create_experiment("past", artifact_location=f"s3://{BUCKET}/root/{path_of(version)}")
    run = registry.client.create_run(experiment).info.run_id
    past = {"run_id": run, "path": "data/weights"}
    assert code(registry.post("artifacts/presigned-upload-url", past)) == "presigned"
    page = f"{registry.server.url}/ajax-api/2.0/mlflow/upload-artifact"
    assert code(requests.post(page, params={"run_uuid": run, "path": "x"}, data=b"evil", timeout=20)) == "frozen"
    assert objects(bucket, version) == before
    registry.client.delete_registered_model_alias(version.name, "production")
    assert parts(registry, version, "complete", **begun).ok
    assert objects(bucket, version) != before
    assert registry.set_alias(version, "production").status_code == 403


def large(registry: Registry) -> Version:
    name, (files, source, run_id) = registry.new_name(), registry.logged(LARGE)
    tags = passing([name], dir_hash(files))
    registry.client.create_registered_model(name, tags=tags.model)
    made = registry.client.create_model_version(name, source, run_id, tags=tags.version)
    return Version(name, str(made.version), files, source, run_id)


def promoted(registry: Registry, version: Version) -> requests.Response:
    """The answer when the files are hashed; until then it is pending, and comes at once."""
    until = time.monotonic() + 20
    while True:
        start = time.monotonic()
        answer = registry.set_alias(version, "production")
        if answer.ok or answer.json()["qaqpa"]["problems"][:1] == []:
            return answer
        assert code(answer) == "digest_pending"
        assert time.monotonic() - start < 2
        assert time.monotonic() < until
        time.sleep(0.2)


def test_a_large_model_in_a_bucket_is_hashed_ahead(s3_registry: Registry, bucket: Any) -> None:
    version = large(s3_registry)
    assert code(s3_registry.set_alias(version, "production")) == "digest_pending"
    assert promoted(s3_registry, version).ok
    s3_registry.client.delete_registered_model_alias(version.name, "production")
    assert s3_registry.set_alias(version, "production").ok, "the digest from before counts"
    s3_registry.client.delete_registered_model_alias(version.name, "production")
    bucket.put_object(Bucket=BUCKET, Key=f"root/{path_of(version)}/data/weights", Body=LARGE[:-1] + "y")
    assert code(s3_registry.set_alias(version, "production")) == "digest_pending"
    answer = promoted(s3_registry, version)
    assert answer.status_code == 403, "the evidence is about other bytes"
    assert answer.json()["qaqpa"]["verdict"] == "deny"


def tree(name: str, *, versioned: bool, bucket: Any) -> RemoteTree:
    bucket.create_bucket(Bucket=name)
    if versioned:
        bucket.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    bucket.put_object(Bucket=name, Key="root/model/weights", Body=b"good")
    bucket.put_object(Bucket=name, Key="root/model-2/weights", Body=b"other")
    return remote_tree(S3ArtifactRepository(f"s3://{name}/root"), "model")


def seen(tree: RemoteTree) -> Seen:
    found = tree.seen(LIMITS)
    assert found
    return found


def test_the_same_bytes_written_again_are_another_version(bucket: Any) -> None:
    """ETags are MD5, of which two files can have the same; the version's id cannot be chosen."""
    place = tree("versioned", versioned=True, bucket=bucket)
    before = seen(place)
    assert (before.files, before.size) == (1, 4)
    assert seen(place) == before
    bucket.put_object(Bucket="versioned", Key="root/model/weights", Body=b"good")
    after = seen(place)
    assert (after.files, after.size) == (1, 4)
    assert after != before
    bucket.delete_object(Bucket="versioned", Key="root/model/weights")
    assert seen(place).files == 0


@pytest.mark.parametrize("versioned", [False, True], ids=["plain", "versioned"])
def test_a_name_with_dots_is_told_and_is_mended_by_deleting_it(bucket: Any, *, versioned: bool) -> None:
    name = f"dots-{versioned}".lower()
    place = tree(name, versioned=versioned, bucket=bucket)
    before = seen(place)
    bucket.put_object(Bucket=name, Key="root/model/../evil", Body=b"evil")
    with pytest.raises(BytesMissingError, match="whose name has"):
        place.seen(LIMITS)
    with pytest.raises(BytesMissingError, match="whose name has"):
        place.facts(LIMITS)
    bucket.delete_object(Bucket=name, Key="root/model/../evil")
    assert seen(place) == before


def test_without_versions_the_time_tells(bucket: Any) -> None:
    place = tree("plain", versioned=False, bucket=bucket)
    before = seen(place)
    time.sleep(1.1)
    bucket.put_object(Bucket="plain", Key="root/model/weights", Body=b"good")
    assert seen(place) != before


def test_where_versions_may_not_be_listed_the_objects_are(bucket: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    place = tree("refused", versioned=True, bucket=bucket)

    class Refusing:
        exceptions = bucket.exceptions

        @staticmethod
        def get_paginator(name: str) -> Any:
            if name == "list_object_versions":
                error = {"Error": {"Code": "AccessDenied"}}
                raise bucket.exceptions.ClientError(error, "ListObjectVersions")
            return bucket.get_paginator(name)

    monkeypatch.setattr(S3ArtifactRepository, "_get_s3_client", lambda _: Refusing)
    before = seen(place)
    assert (before.files, before.size) == (1, 4)
    bucket.put_object(Bucket="refused", Key="root/model/more", Body=b"x")
    assert seen(place).files == 2


def test_too_much_in_a_bucket_is_not_downloaded(bucket: Any) -> None:
    place = tree("much", versioned=False, bucket=bucket)
    with pytest.raises(TooLargeError, match="more than 0 files"):
        place.seen(Limits(0, 100))
    for other in (place, RemoteTree(place.repository, "model")):
        with pytest.raises(TooLargeError):
            other.facts(Limits(10, 3))
    found = RemoteTree(place.repository, "model").facts(LIMITS)
    assert found == place.facts(LIMITS)
