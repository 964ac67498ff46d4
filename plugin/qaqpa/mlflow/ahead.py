# SPDX-License-Identifier: Apache-2.0
"""The bytes that a promotion is judged by, and when they are hashed: ahead where that is possible, else in the request.

A digest from before counts only while the files are frozen, and only for the very listing that it was computed of. The
order is: freeze, list, compare. Without a store that freezes nothing is taken from before, since nobody could tell what
changes between the comparison and the write.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mlflow.store.model_registry.abstract_store import AbstractStore

from qaqpa.errors import QaqpaError
from qaqpa.escape import visible
from qaqpa.evidence.carriers import TAG_PREFIX
from qaqpa.evidence.listing import Limits, TooLargeError
from qaqpa.mlflow.denial import log
from qaqpa.mlflow.freezing import SCHEME, destination, freeze, is_freezing
from qaqpa.mlflow.hasher import Hasher, failure
from qaqpa.mlflow.locations import NotHashedError
from qaqpa.mlflow.records import read_version
from qaqpa.mlflow.server import open_tree
from qaqpa.mlflow.trees import Facts, Seen, Tree, limits_of
from qaqpa.model import Problem


def judged_bytes(store: Any, location: str, roots: Sequence[Path]) -> tuple[str | None, tuple[Problem, ...]]:
    """Freezes a location for the promotion that is under way; its model digest, and the problems there are.

    Args:
        store: the registry, with the gate in front.
        location: where the bytes are.
        roots: where local bytes may lie; see `open_tree`.

    Raises:
        NotHashedError: there is too much to hash while somebody waits, or at all, or somebody is writing there.
    """
    outside = freeze(location)
    limits = limits_of(_hashing(store))
    try:
        tree = open_tree(location, roots)
        if outside:
            facts = _elsewhere(store, tree, limits, outside[0])
        else:
            facts = _frozen(store, tree, limits) if is_freezing() else tree.facts(limits)
    except NotHashedError:
        raise
    except TooLargeError as error:
        raise NotHashedError(Problem("model_too_large", str(error))) from error
    except QaqpaError as error:
        return None, (failure(error), *outside)
    return facts.digest, (*facts.problems, *outside)


def _elsewhere(store: Any, tree: Tree, limits: Limits, outside: Problem) -> Facts:
    """What is not promoted in any case is hashed for all that there is to say of it, where that is quick."""
    if not _is_small(store, tree.seen(limits)):
        raise NotHashedError(outside)
    return tree.facts(limits)


def _frozen(store: Any, tree: Tree, limits: Limits) -> Facts:
    seen = tree.seen(limits)
    if seen is None:
        return tree.facts(limits)
    hasher: Hasher = store.hasher
    facts = hasher.stored(tree, seen)
    if _is_small(store, seen) and (facts is None or facts.digest is None):
        facts = hasher.now(tree, seen, limits)
    if facts is None:
        hasher.ask(tree, limits, first=True)
        raise NotHashedError(Problem("digest_pending", _size(seen)))
    return facts


def _is_small(store: Any, seen: Seen | None) -> bool:
    return seen is not None and bool(seen.size <= _hashing(store).in_request)


def _size(seen: Seen) -> str:
    mib = f"{seen.size / (1 << 20):.1f} MiB" if seen.size < 1 << 30 else f"{seen.size / (1 << 30):.1f} GiB"
    return f"({mib}, {seen.files} file{'' if seen.files == 1 else 's'})"


def _hashing(store: Any) -> Any:
    return store._gatekeeper.config.hashing  # noqa: SLF001 - a part of the same store


class AheadMixin(AbstractStore):  # type: ignore[misc]  # MLflow ships no types
    """Has the files of a version hashed when it is registered, and when evidence arrives. Nobody waits for that."""

    ManagedSessionMaker: Any
    connected: Any

    def __init__(self, *arguments: Any, **named: Any) -> None:
        """Opens the store."""
        super().__init__(*arguments, **named)
        self.hasher = Hasher(self.ManagedSessionMaker, self.connected)

    def create_model_version(  # noqa: PLR0913 - MLflow's signature
        self,
        name: str,
        source: str,
        run_id: str | None = None,
        tags: Any = None,
        run_link: str | None = None,
        description: str | None = None,
        local_model_path: str | None = None,
        model_id: str | None = None,
    ) -> Any:
        """Registers a version."""
        made = super().create_model_version(
            name, source, run_id, tags, run_link, description, local_model_path, model_id
        )
        self._hash_ahead(made.name, made.version)
        return made

    def set_model_version_tag(self, name: str, version: int | str, tag: Any) -> None:
        """Sets a tag of a version."""
        super().set_model_version_tag(name, version, tag)
        if tag.key.startswith(TAG_PREFIX):
            self._hash_ahead(name, version)

    def _hash_ahead(self, name: str, version: int | str) -> None:
        """Asks for it; what was written stands, whatever becomes of this."""
        if destination() is None:
            return
        try:
            location = read_version(self, name, int(version)).location
            if location.startswith(SCHEME):
                self.hasher.ask(open_tree(location), limits_of(_hashing(self)))
        except Exception as error:  # noqa: BLE001 - it is asked again at the latest when somebody promotes
            log.info("qaqpa: nothing is hashed ahead: %s", visible(f"{type(error).__name__}: {error}", 2000))
