# SPDX-License-Identifier: Apache-2.0
"""The files at a location: their digest, and, where it can be told cheaply, what tells whether they were changed."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from mlflow.store.artifact.artifact_repo import ArtifactRepository
from mlflow.store.artifact.s3_artifact_repo import S3ArtifactRepository

from qaqpa.config import Hashing
from qaqpa.errors import QaqpaError
from qaqpa.evidence.digest import Progress, dir_hash, listing_of
from qaqpa.evidence.elsewhere import weights_elsewhere
from qaqpa.evidence.listing import Limits
from qaqpa.mlflow.locations import BytesMissingError
from qaqpa.model import Problem

_NOT_ALLOWED = frozenset({"AccessDenied", "NotImplemented", "MethodNotAllowed"})
# Most old versions for each file that may be there; they are listed too.
_VERSIONS_EACH = 10


@dataclass(frozen=True)
class Seen:
    """What lies there, unread. `fingerprint` is another one as soon as anything was changed; `size` is in bytes."""

    fingerprint: str
    files: int
    size: int


@dataclass(frozen=True)
class Facts:
    """The model digest, and the problem where there is none, or the bytes below it are not all of the model."""

    digest: str | None
    problems: tuple[Problem, ...] = ()


def limits_of(hashing: Hashing) -> Limits:
    """The most that the configuration lets a server hash."""
    return Limits(hashing.most_files, hashing.most_gib << 30)


class Tree(Protocol):
    """The files at a location."""

    @property
    def key(self) -> str:
        """Names the place, the same in every process."""

    def seen(self, limits: Limits) -> Seen | None:
        """What lies there, unread; None where that cannot be told cheaply.

        Raises:
            QaqpaError: it cannot be reached, or there is more than the limits say.
        """

    def facts(self, limits: Limits, progress: Progress | None = None, *, quietly: bool = False) -> Facts:
        """Reads all of it.

        Args:
            limits: the most that there may be.
            progress: is told how far it is, and ends it by raising.
            quietly: as for `dir_hash`.

        Raises:
            QaqpaError: it cannot be reached, has no digest, changes meanwhile, or there is more than the limits say.
        """


@dataclass(frozen=True)
class LocalTree:
    """A directory of this machine."""

    path: Path

    @property
    def key(self) -> str:
        """Its name."""
        return f"file {self.path}"

    def seen(self, limits: Limits) -> Seen:
        """Names, sizes, inodes and times of all files."""
        listing = listing_of(self.path, limits)
        return Seen(listing.fingerprint, len(listing.files), listing.size)

    def facts(self, limits: Limits, progress: Progress | None = None, *, quietly: bool = False) -> Facts:
        """Hashes it in place."""
        return Facts(dir_hash(self.path, progress, limits=limits, quietly=quietly), weights_elsewhere(self.path))


@dataclass(frozen=True)
class RemoteTree:
    """A directory of an artifact store that is downloaded to be hashed."""

    repository: ArtifactRepository
    path: str

    @property
    def key(self) -> str:
        """Its address."""
        return f"{str(self.repository.artifact_uri).rstrip('/')}/{self.path.strip('/')}"

    def seen(self, limits: Limits) -> Seen | None:
        """Nothing: MLflow's listing has no more than names and sizes."""
        del limits
        return None

    def facts(self, limits: Limits, progress: Progress | None = None, *, quietly: bool = False) -> Facts:
        """Downloads it into a temporary directory, which is deleted afterwards."""
        self._check(limits)
        with tempfile.TemporaryDirectory(prefix="qaqpa-") as temporary:
            directory = Path(self._download(temporary))
            return Facts(dir_hash(directory, progress, limits=limits, quietly=quietly), weights_elsewhere(directory))

    def _check(self, limits: Limits) -> None:
        """Refuses too much before it is downloaded."""
        files = size = 0
        pending = [self.path]
        while pending:
            for entry in _asked(self.path, self.repository.list_artifacts, pending.pop() or None):
                files += 1
                size += entry.file_size or 0
                pending += [entry.path] if entry.is_dir else []
                limits.check(files, size)

    def _download(self, directory: str) -> str:
        return str(_asked(self.path, self.repository.download_artifacts, self.path, dst_path=directory))


class S3Tree(RemoteTree):
    """A directory of a bucket."""

    def seen(self, limits: Limits) -> Seen:
        """Names, sizes, ETags, times, and ids of versions, of all objects."""
        bucket, prefix = self._place()
        digest = hashlib.sha256()
        files = size = 0
        for found in _asked(self.path, lambda: sorted(self._objects(bucket, prefix, limits))):
            files += 1
            size += found[1]
            digest.update(repr(found).encode() + b"\n")
        return Seen(digest.hexdigest(), files, size)

    def _check(self, limits: Limits) -> None:
        self.seen(limits)

    def _place(self) -> tuple[str, str]:
        bucket, root = self.repository.parse_s3_compliant_uri(self.repository.artifact_uri)
        return bucket, "/".join(part for part in (root.strip("/"), self.path.strip("/")) if part) + "/"

    def _objects(self, bucket: str, prefix: str, limits: Limits) -> Iterator[tuple[Any, ...]]:
        """Each object as name, size, ETag, time and version."""
        files = size = 0
        for number, entry in enumerate(self._entries(bucket, prefix)):
            limits.check(number // _VERSIONS_EACH, 0)
            key, own = str(entry["Key"]), int(entry["Size"])
            if entry.get("IsLatest", True) and not (key.endswith("/") and not own):
                if ".." in key.split("/"):
                    mend = "Delete it: whoever downloads the model would look for it elsewhere"
                    raise BytesMissingError(
                        "The bucket holds an object whose name has `..` in it", where=key, mend=mend
                    )
                files += 1
                size += own
                limits.check(files, size)
                changed = entry["LastModified"].timestamp()
                yield key, own, str(entry["ETag"]), changed, str(entry.get("VersionId", ""))

    def _entries(self, bucket: str, prefix: str) -> Iterator[Any]:
        """What is listed: with all versions, where the server's role may see them."""
        client = self.repository._get_s3_client()  # noqa: SLF001 - a contract test pins it
        where = {"Bucket": bucket, "Prefix": prefix, **self.repository._bucket_owner_params}  # noqa: SLF001
        try:
            for page in client.get_paginator("list_object_versions").paginate(**where):
                yield from page.get("Versions", [])
        except client.exceptions.ClientError as error:
            if error.response.get("Error", {}).get("Code") not in _NOT_ALLOWED:
                raise
            for page in client.get_paginator("list_objects_v2").paginate(**where):
                yield from page.get("Contents", [])


def remote_tree(repository: ArtifactRepository, path: str) -> RemoteTree:
    """The directory of an artifact store, with what that store can tell."""
    return (S3Tree if isinstance(repository, S3ArtifactRepository) else RemoteTree)(repository, path)


def _asked(where: str, ask: Any, *arguments: Any, **named: Any) -> Any:
    """What a storage answers.

    Raises:
        BytesMissingError: it does not answer. Where it is, and with which password, is not for clients.
    """
    try:
        return ask(*arguments, **named)
    except QaqpaError:
        raise
    except Exception as error:
        raise BytesMissingError(f"The model's files cannot be fetched ({type(error).__name__})", where=where) from error
