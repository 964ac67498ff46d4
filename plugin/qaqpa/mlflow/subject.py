# SPDX-License-Identifier: Apache-2.0
"""From the registry to what the gate judges: a subject, and what claims to be evidence about it."""

from __future__ import annotations

import sys
import urllib.parse
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from mlflow.exceptions import MlflowException
from mlflow.store.artifact.utils.models import _parse_model_uri

from qaqpa.evidence.carriers import TAG_PREFIX, Carried, carried_in_tags
from qaqpa.evidence.errors import StatementError
from qaqpa.evidence.people import TRAINER
from qaqpa.evidence.pieces import read_statement
from qaqpa.mlflow.ahead import judged_bytes
from qaqpa.mlflow.breakglass import Known, LookUp
from qaqpa.mlflow.guard import Keeper
from qaqpa.mlflow.history import about_overrides, recorded
from qaqpa.mlflow.identity import REGISTERED_BY, known_login, registrants
from qaqpa.mlflow.lineage import origin
from qaqpa.mlflow.others import MOST_CHARACTERS, MOST_TAGS, TagRecord, read_tags
from qaqpa.mlflow.records import ModelRecord, VersionRecord, read_model, read_version
from qaqpa.mlflow.server import tracking_store
from qaqpa.model import Problem, Recorded, Subject

_REGISTRY, _RUN = "the registry's record of who registered it", "the run that made it"


@dataclass(frozen=True)
class Candidate:
    """What is to be judged. `problems` keep the gate from deciding, and so from allowing.

    `about_overrides` looks up what the registry keeps about overrides, wherever it was attached.
    """

    subject: Subject
    carried: tuple[Carried, ...]
    problems: tuple[Problem, ...] = ()
    about_overrides: LookUp = lambda _: Known()


@dataclass(frozen=True)
class NewVersion:
    """A version that somebody asks to register: the arguments of MLflow's `create_model_version` that matter."""

    name: str
    source: str
    run_id: str | None
    model_id: str | None
    tags: Mapping[str, str]


def of_version(store: Any, record: VersionRecord, roots: Sequence[Path], name: str | None = None) -> Candidate:
    """A registered version.

    Args:
        store: the registry.
        record: the version as the registry has it.
        roots: where local bytes may lie; see `open_tree`.
        name: the name under which it would be served, where that is about to change.
    """
    return _candidate(
        store,
        _Wanted(
            model=record.model,
            name=name or record.model.name,
            version=record.version,
            location=record.location,
            run_id=record.run_id,
            tags=(record.model.tags, record.tags),
            names=frozenset({record.model.name}),
            registrants=registrants(record.tags.get(REGISTERED_BY)),
            created_ms=record.created_ms,
        ),
        roots,
    )


def copied_version(store: Any, wanted: NewVersion) -> VersionRecord | None:
    """The version that a new one copies; None where it has another kind of source.

    Raises:
        MlflowException: there is no such version, or the database does not answer.
    """
    if not _is_models_uri(wanted.source):
        return None
    parsed = _parse_model_uri(wanted.source)
    return read_version(store, parsed.name, int(parsed.version)) if parsed.version else None


def location_of(wanted: NewVersion, copied: VersionRecord | None) -> str:
    """Where the bytes of a version that is to be registered lie now.

    Raises:
        MlflowException: there is no such logged model, or the tracking store does not answer.
    """
    if copied:
        return copied.location
    if not _is_models_uri(wanted.source):
        return wanted.source
    model_id = _parse_model_uri(wanted.source).model_id
    # MLflow itself refuses a source with an alias or a stage; it has no fixed bytes.
    return str(tracking_store().get_logged_model(model_id).artifact_location) if model_id else ""


def new_registrants(copied: VersionRecord | None) -> tuple[str, ...]:
    """Who is to be recorded with a new version: whoever asks, and who registered what it copies."""
    login = known_login()
    return (*([login] if login else []), *(registrants(copied.tags.get(REGISTERED_BY)) if copied else ()))


def of_new_version(
    store: Any, wanted: NewVersion, copied: VersionRecord | None, location: str, roots: Sequence[Path]
) -> Candidate:
    """A version before it is registered. A copy brings the evidence of the version that is copied.

    Raises:
        MlflowException: the source or the target does not exist, or a store does not answer.
    """
    target = _read_model_or_none(store, wanted.name) or ModelRecord(wanted.name, _workspace(store), None, {}, {})
    tags: list[Mapping[str, str]] = [target.tags, wanted.tags]
    run_id, names = wanted.run_id, {wanted.name}
    if copied:
        run_id = run_id or copied.run_id
        tags += [copied.model.tags, copied.tags]
        names.add(copied.model.name)
    return _candidate(
        store,
        _Wanted(
            model=target,
            name=wanted.name,
            version=None,
            location=location,
            run_id=run_id,
            tags=tags,
            names=frozenset(names),
            registrants=new_registrants(copied),
        ),
        roots,
    )


@dataclass(frozen=True)
class _Wanted:
    """What makes a candidate.

    `tags` are the version's own and those of its registered model, `names` the registered models whose other versions
    can carry evidence about the same bytes. `created_ms` is when the version was registered; None before that.
    """

    model: ModelRecord
    name: str
    version: int | None
    location: str
    run_id: str | None
    tags: Sequence[Mapping[str, str]]
    names: frozenset[str]
    registrants: tuple[str, ...]
    created_ms: int | None = None


def _is_models_uri(source: str) -> bool:
    return urllib.parse.urlparse(source).scheme == "models"


def _read_model_or_none(store: Any, name: str) -> ModelRecord | None:
    """A registered model, or None where there is none of that name."""
    try:
        return read_model(store, name)
    except MlflowException as error:
        if error.error_code == "RESOURCE_DOES_NOT_EXIST":
            return None
        raise


def _workspace(store: Any) -> str:
    return str(store._get_active_workspace())  # noqa: SLF001 - a contract test pins it


def _candidate(store: Any, wanted: _Wanted, roots: Sequence[Path]) -> Candidate:
    digest, problems = judged_bytes(store, wanted.location, roots)
    made = origin(tracking_store(), wanted.location, wanted.run_id)
    with store.connected() as connection:
        found = _found(connection, store._keeper(), wanted, digest)  # noqa: SLF001 - a part of the same store
    subject = Subject(
        name=wanted.name,
        version="" if wanted.version is None else str(wanted.version),
        digest=digest,
        trained_at=made.trained_at,
        created_ms=wanted.model.created_ms,
        workspace=wanted.model.workspace,
        people=tuple(_people(wanted, found.others, made.users)),
    )
    look_up = partial(about_overrides, store)
    return Candidate(subject, found.carried, (*problems, *found.problems), look_up)


@dataclass(frozen=True)
class _Found:
    """What the registry has of evidence about a candidate, and the tags of other versions."""

    others: Sequence[TagRecord]
    carried: tuple[Carried, ...]
    problems: tuple[Problem, ...]


def _found(session: Any, keeper: Keeper | None, wanted: _Wanted, digest: str | None) -> _Found:
    """Reads all of it over one connection."""
    problems: tuple[Problem, ...] = ()
    own_version = (wanted.model.name, wanted.version)
    others = read_tags(session, wanted.model.workspace, wanted.names, wanted.location, own_version)
    if others is None:
        detail = f"Other versions carry more than {MOST_TAGS} tags or {MOST_CHARACTERS} characters of evidence."
        problems, others = (Problem("too_much_evidence", detail),), ()
    own = [piece for some in wanted.tags for piece in carried_in_tags(some)]
    seen = {(piece.kind, piece.text) for piece in own}
    left = [piece for piece in _of_others(wanted, others, digest) if (piece.kind, piece.text) not in seen]
    carried = tuple(dict.fromkeys((*own, *left)))
    kept = recorded(session, keeper, wanted.model.workspace, wanted.name, digest, carried)
    if kept is None:
        problems += (Problem("too_much_evidence", "The server keeps more signed evidence than it can read."),)
    return _Found(others, (*carried, *(kept or ())), problems)


def _people(wanted: _Wanted, others: Iterable[TagRecord], users: Iterable[str]) -> Iterator[Recorded]:
    """Whoever registered these bytes or another version of this model, and whom the run names. Each source only adds.

    A stranger can register these bytes under another name, or other bytes under this one, and so is trusted in nothing:
    a login that the parties file does not list would block the model. Who registers bytes that were there already has
    made a copy, which says nothing of others in that unit: anybody could take their independence away for good.
    """
    own = dict.fromkeys(wanted.registrants)
    added: dict[str, None] = {}
    copied: dict[str, None] = {}
    by_whom = [tag for tag in others if tag.key == REGISTERED_BY]
    first = min([wanted.created_ms or sys.maxsize, *(tag.created_ms for tag in by_whom if tag.here)])
    for tag in by_whom:
        if tag.here and tag.model in wanted.names:
            mine = own
        else:
            mine = copied if tag.here and tag.created_ms > first else added
        mine |= dict.fromkeys(registrants(tag.value))
    yield from (Recorded(TRAINER, login, _REGISTRY, trusted=True) for login in own)
    yield from (Recorded(TRAINER, login, _REGISTRY, trusted=False) for login in added)
    yield from (Recorded(TRAINER, login, _REGISTRY, trusted=False, alone=True) for login in copied)
    yield from (Recorded(TRAINER, user, _RUN, trusted=False) for user in users)


def _of_others(wanted: _Wanted, others: Iterable[TagRecord], digest: str | None) -> Iterator[Carried]:
    """What other versions of the same registered models carry about these bytes, or about no bytes at all.

    A failed audit is not left behind by registering the bytes again. What is broken, or about other bytes, is passed
    over. What others attach to models of theirs is read from the server's own record, and only if somebody signed it
    whom the parties file lists: otherwise anybody could hand in more than can be read.
    """
    for tag in others:
        if not tag.key.startswith(TAG_PREFIX) or (tag.model == wanted.model.name and tag.version == wanted.version):
            continue
        try:
            statement, _ = read_statement(tag.value)
        except StatementError:
            continue
        if statement.model_digest in {None, digest}:
            where = f"version {tag.version} of {tag.model}"
            yield from (replace(piece, source=f"{where}, {piece.source}") for piece in _carried(tag))


def _carried(tag: TagRecord) -> list[Carried]:
    return carried_in_tags({tag.key: tag.value})
