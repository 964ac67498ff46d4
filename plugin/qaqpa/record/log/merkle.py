# SPDX-License-Identifier: Apache-2.0
"""The root of the Merkle tree of RFC 9162 over leaves that come one by one, in memory that grows with the logarithm."""

from __future__ import annotations

import hashlib

_NODE = b"\x01"


class Frontier:
    """The roots of the full subtrees that the leaves so far make, largest first."""

    def __init__(self) -> None:
        self.size = 0
        self._roots: list[bytes] = []

    def add(self, leaf: bytes) -> None:
        """Takes one more leaf hash, 32 bytes."""
        found, number = leaf, self.size
        while number & 1:
            found = _node(self._roots.pop(), found)
            number >>= 1
        self._roots.append(found)
        self.size += 1

    def root(self) -> bytes:
        """The root over all leaves so far; the hash of nothing where there are none."""
        if not self._roots:
            return hashlib.sha256(b"").digest()
        roots = list(self._roots)
        found = roots.pop()
        while roots:
            found = _node(roots.pop(), found)
        return found


def _node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(_NODE + left + right).digest()
