# SPDX-License-Identifier: Apache-2.0
"""Where an address leads into an artifact store: one bucket or container has many addresses, of several schemes.

In doubt two addresses are the same place: rather a harmless write is refused than a harmful one let through.
Nothing of MLflow is imported here; see `artifact_stores`.
"""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from itertools import takewhile
from urllib.parse import unquote, urlsplit

LOCAL = frozenset({"", "file"})
"""Schemes of this machine's own directories, which are compared by where they really lead."""

_BUCKETS = frozenset({"s3", "gs"})
_CONTAINERS = frozenset({"wasbs", "abfss"})

_ACCESS_POINTS = ("-s3alias", "--op-s3", "--ol-s3")
"""How the aliases of Amazon's access points end."""

TELLABLE = LOCAL | _BUCKETS | _CONTAINERS
"""Schemes whose addresses tell where they lead, so that only what is frozen is refused."""

WITH_ENDPOINT = frozenset({"r2", "b2"})
"""Schemes whose addresses name the host of a bucket, who may pass on what the server signed to any bucket."""

UNTELLABLE = frozenset({"ftp", "sftp", "hdfs", "viewfs", "dbfs"})
"""Schemes of file servers. Their own settings say what lies at a path: also this machine's disk, or a bucket."""

_ASKED_THERE = "is answered by another server with its own rights, and asks where it writes if it has our prefix"
_ANOTHER = "names an address of another scheme, whose store asks, for MLflow takes it from the same list"
LEFT_OUT: Mapping[str, str] = {
    "http": _ASKED_THERE,
    "https": _ASKED_THERE,
    "mlflow-artifacts": _ASKED_THERE,
    "runs": _ANOTHER,
    "models": _ANOTHER,
}
"""Schemes for which nothing has to be asked, each with the reason."""


def scheme_of(address: str) -> str:
    """The scheme of an address, in lower case; empty for a path."""
    return urlsplit(address).scheme


def is_tellable(root: str, address: str) -> bool:
    """Whether an address tells if it leads below a root.

    Args:
        root: the address of the store that freezes.
        address: the address of a store.
    """
    scheme, own = scheme_of(address), scheme_of(root)
    if scheme in WITH_ENDPOINT or own not in _BUCKETS or scheme not in _BUCKETS:
        return scheme in TELLABLE or (scheme in WITH_ENDPOINT and own not in _BUCKETS)
    names = {_bucket(urlsplit(one).netloc) for one in (root, address)}
    return len(names) == 1 or not any(_is_access_point(name) for name in names)


def places(root: str, address: str, path: str) -> set[str]:
    """Where a write leads below a root in a bucket or container; none where it leads elsewhere.

    What holds the root is the root: deleting it would delete all below.

    Args:
        root: the address of the store that freezes.
        address: the address of a store that tells where it leads.
        path: below that address.
    """
    top, own = urlsplit(root), urlsplit(address)
    if not any(top.scheme in family and own.scheme in family for family in (_BUCKETS, _CONTAINERS)):
        return set()
    if _bucket(top.netloc) != _bucket(own.netloc):
        return set()
    # What stands behind a question mark belongs to no name, though MLflow appends to it.
    keys = _meanings(posixpath.join(own.path.lstrip("/"), path))
    found = (_below(base, key) for base in _meanings(top.path) for key in keys)
    return {place for place in found if place is not None}


def _is_access_point(bucket: str) -> bool:
    """True for another name of a bucket, which does not tell of which one."""
    return bucket.startswith("arn:") or bucket.endswith(_ACCESS_POINTS)


def _bucket(named: str) -> str:
    """A bucket, or a container of whatever account."""
    return named.partition("@")[0].lower()


def _below(root: str, own: str) -> str | None:
    """Where a path lies below a root, empty where it is the root or holds it; None elsewhere."""
    if own == root or not own or root.startswith(f"{own}/"):
        return ""
    return own[len(root) :].strip("/") if not root or own.startswith(f"{root}/") else None


def _meanings(path: str) -> set[str]:
    """What a path can mean: stores differ in what they decode, and some clients leave out what `..` takes back.

    Others take `..` for a name like any other. What is written then lies below all that stands before it.
    """
    found = set()
    for text in (path, unquote(path)):
        before = list(takewhile(lambda part: part != "..", text.split("/")))
        found |= {posixpath.normpath(f"/{one}").strip("/") for one in (text, "/".join(before))}
    return found
