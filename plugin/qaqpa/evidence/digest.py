# SPDX-License-Identifier: Apache-2.0
r"""The model digest: in-toto `dirHash` of a model's artifact root.

It is the SHA-256 of the lines `<sha256>  <relative path>\n`, one for each file, sorted by the bytes of the line's path.
Anybody can compute it again, in the directory:
`find . -type f -printf '%P\n' | LC_ALL=C sort | xargs -d '\n' sha256sum -- | sha256sum`.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from qaqpa.errors import UndecidedError

_READ_BYTES = 1 << 20
_WRITTEN_BY_MLFLOW = "registered_model_meta"
_META_LINE = rb"(?:[^:#\n{}\[\],&*!|>%@`\"' -][^:#\n]*|'[^'\n]*'|\"[^\"\\\n]*\")"
_META = re.compile(rb"model_name: " + _META_LINE + rb"\nmodel_version: " + _META_LINE + rb"\n")
_META_BYTES = 4096


class DigestError(UndecidedError):
    """A directory has no digest: it is empty, unreadable, or holds something that is not a plain file."""


def dir_hash(root: str | Path) -> str:
    """The model digest of a directory, 64 hexadecimal digits.

    Left out is only a top-level file `registered_model_meta` that holds exactly the two lines that MLflow itself writes
    while a model is read.

    Raises:
        DigestError: a symbolic link, a special file, a name that is not UTF-8 or holds a line break or backslash, an
            unreadable file, or no file at all.
    """
    base = Path(root)
    try:
        files = sorted(_files(base), key=lambda pair: os.fsencode(pair[0]))
        with ThreadPoolExecutor(max_workers=min(4, os.cpu_count() or 1)) as pool:
            digests = list(pool.map(file_sha256, (path for _, path in files)))
    except OSError as error:
        raise DigestError(
            f"The model's files cannot be read ({error.strerror})", where=str(error.filename or root)
        ) from error
    if not files:
        raise DigestError("There is no file to hash", where=str(root), required="the artifact root of a model")
    lines = (f"{digest}  {name}\n".encode() for (name, _), digest in zip(files, digests, strict=True))
    return hashlib.sha256(b"".join(lines)).hexdigest()


def file_sha256(path: Path) -> str:
    """SHA-256 of a regular file, read in pieces; symbolic links are not followed.

    Raises:
        OSError: it cannot be read.
    """
    digest = hashlib.sha256()
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    with os.fdopen(descriptor, "rb", buffering=0) as file:
        while piece := file.read(_READ_BYTES):
            digest.update(piece)
    return digest.hexdigest()


def _files(base: Path) -> Iterator[tuple[str, Path]]:
    pending = [(base, "")]
    while pending:
        directory, prefix = pending.pop()
        with os.scandir(directory) as entries:
            for entry in entries:
                name = _checked_name(entry, prefix)
                mode = entry.stat(follow_symlinks=False).st_mode
                if stat.S_ISDIR(mode):
                    pending.append((Path(entry.path), f"{name}/"))
                elif not stat.S_ISREG(mode):
                    raise DigestError("Only plain files and directories can be hashed", where=name)
                elif not (name == _WRITTEN_BY_MLFLOW and _is_mlflow_meta(Path(entry.path))):
                    yield name, Path(entry.path)


def _checked_name(entry: os.DirEntry[str], prefix: str) -> str:
    name = f"{prefix}{entry.name}"
    try:
        name.encode("utf-8")
    except UnicodeEncodeError as error:
        raise DigestError("A file name is not UTF-8", where=ascii(name)) from error
    if any(character in name for character in "\n\r\\"):
        raise DigestError("A file name holds a line break or a backslash", where=ascii(name))
    return name


def _is_mlflow_meta(path: Path) -> bool:
    if path.stat().st_size > _META_BYTES:
        return False
    return _META.fullmatch(path.read_bytes()) is not None
