# SPDX-License-Identifier: Apache-2.0
"""What the registry says about a model.

It is read from the primary database: a replica may be behind, and the gate would judge what no longer is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from mlflow.entities.model_registry.model_version_stages import STAGE_DELETED_INTERNAL
from mlflow.prompt.constants import IS_PROMPT_TAG_KEY
from mlflow.store.model_registry.dbmodels.models import (
    SqlModelVersion,
    SqlModelVersionTag,
    SqlRegisteredModel,
    SqlRegisteredModelAlias,
    SqlRegisteredModelTag,
)
from sqlalchemy import String, and_, bindparam, cast, func, literal_column, or_, select, union_all
from sqlalchemy.orm import object_session

from qaqpa.evidence.carriers import TAG_PREFIX
from qaqpa.mlflow.connecting import Question, placed, places
from qaqpa.mlflow.identity import REGISTERED_BY
from qaqpa.mlflow.locations import spellings

PROMPT_SOURCES = frozenset({"prompt-template", "dummy-source"})
"""What stands for the source of a prompt. A source cannot be changed later; the tag that marks prompts can."""

MOST_TAGS = 5_000
"""Most tags of other versions that are read for one decision."""

MOST_CHARACTERS = 20_000_000
"""Most characters in them that are read."""

_DELETED = STAGE_DELETED_INTERNAL
_CREATED, _MODEL_TAG, _ALIAS, _TAG, _VERSION = "created", "model tag", "alias", "tag", "version"
_STAGE, _SOURCE, _STORAGE, _RUN, _BEGUN = "stage", "source", "storage", "run", "begun"


@dataclass(frozen=True)
class ModelRecord:
    """A registered model. `created_ms` is milliseconds since 1970, UTC; `aliases` maps alias to version."""

    name: str
    workspace: str
    created_ms: int | None
    tags: Mapping[str, str]
    aliases: Mapping[str, int]

    @property
    def is_marked_prompt(self) -> bool:
        """True where it has the tag by which MLflow tells prompts from models; anybody can set it."""
        return self.tags.get(IS_PROMPT_TAG_KEY, "").lower() == "true"


@dataclass(frozen=True)
class VersionRecord:
    """A model version. `location` is where its bytes are; `stage` the MLflow stage."""

    model: ModelRecord
    version: int
    stage: str
    source: str
    location: str
    run_id: str | None
    tags: Mapping[str, str]
    created_ms: int | None

    @property
    def is_prompt(self) -> bool:
        """True where there are no model bytes, because this is a prompt."""
        return self.source in PROMPT_SOURCES


@dataclass(frozen=True)
class TagRecord:
    """A tag of a version that matters to others: evidence, or who registered it.

    `here` is true where the version is at the location that was asked for, which was registered `created_ms`
    milliseconds after 1970, UTC.
    """

    model: str
    version: int
    key: str
    value: str
    here: bool
    created_ms: int


def read_model(store: Any, name: str) -> ModelRecord:
    """A registered model.

    Raises:
        MlflowException: it does not exist, or the database does not answer.
    """
    with store.reading() as session:
        return _model(store._get_registered_model(session, name, eager=True))  # noqa: SLF001 - a contract test pins it


def read_version(store: Any, name: str, version: int) -> VersionRecord:
    """One version.

    Raises:
        MlflowException: it does not exist, or the database does not answer.
    """
    workspace = store._get_active_workspace()  # noqa: SLF001 - a contract test pins it
    with store.connected() as connection:
        found = _around(connection, workspace, name, version)
    if not found.version:
        # MLflow says what is wrong with it.
        with store.reading() as session:
            return version_record(store._get_sql_model_version(session, name, version))  # noqa: SLF001 - the same
    return VersionRecord(
        model=ModelRecord(name, workspace, found.created_ms, found.model_tags, found.aliases),
        version=version,
        stage=found.version[_STAGE],
        source=found.version[_SOURCE],
        location=found.version[_STORAGE] or found.version[_SOURCE],
        run_id=found.version[_RUN] or None,
        tags=found.tags,
        created_ms=int(found.version[_BEGUN]) if found.version[_BEGUN] else None,
    )


def read_versions(store: Any, name: str) -> list[VersionRecord]:
    """All versions of a registered model that are not deleted, by number.

    Raises:
        MlflowException: it does not exist, or the database does not answer.
    """
    with store.reading() as session:
        row = store._get_registered_model(session, name, eager=True)  # noqa: SLF001 - a contract test pins it
        return model_versions(row)


def read_tags(
    connection: Any, workspace: str, names: Iterable[str], location: str, own: tuple[str, int | None]
) -> tuple[TagRecord, ...] | None:
    """Evidence of the other versions of these registered models; registrants of theirs and of all at this location.

    Other tags are not read, and none of the version `own`, name and number, which is known already. None where there
    are more than `MOST_TAGS` or `MOST_CHARACTERS`.
    """
    same = spellings(location)
    named, lying = sorted(names), list[str | None](sorted(same)) or [None]
    asked = {
        "workspace": workspace,
        "own_name": own[0],
        "own_version": own[1] or 0,
        **placed("name", named, len(named)),
        **placed("place", lying, len(lying)),
    }
    rows = _tags_of_others(len(named), len(lying)).rows(connection, asked)
    if len(rows) > MOST_TAGS or (rows and rows[-1].characters > MOST_CHARACTERS):
        return None
    return tuple(
        TagRecord(row.name, int(row.version), row.key, row.value or "", row.place in same, row.creation_time or 0)
        for row in rows
    )


@cache
def _tags_of_others(names: int, locations: int) -> Question:
    """The tags that `read_tags` reads, with the number of characters up to each; the database stops at too many."""
    tag, version = SqlModelVersionTag, SqlModelVersion
    place = func.coalesce(func.nullif(version.storage_location, ""), version.source)
    size = func.coalesce(func.length(tag.value), 0)
    order = (tag.name, tag.version, tag.key)
    named = tag.name.in_(places("name", names))
    found = (
        select(
            *(tag.name, tag.version, tag.key, tag.value, version.creation_time, place.label("place")),
            size.label("size"),
            func.sum(size).over(order_by=order).label("characters"),
        )
        .join(
            version, and_(version.workspace == tag.workspace, version.name == tag.name, version.version == tag.version)
        )
        .where(
            tag.workspace == bindparam("workspace"),
            or_(
                and_(tag.key == REGISTERED_BY, or_(named, place.in_(places("place", locations)))),
                # What somebody signed is kept apart from versions that are gone.
                and_(tag.key.startswith(TAG_PREFIX, autoescape=True), named, version.current_stage != _DELETED),
            ),
            or_(tag.name != bindparam("own_name"), tag.version != bindparam("own_version")),
        )
        .order_by(*order)
        .limit(MOST_TAGS + 1)
        .subquery()
    )
    fits = found.c.characters - found.c.size <= MOST_CHARACTERS
    return Question(select(found).where(fits).order_by(found.c.name, found.c.version, found.c.key))


def version_record(row: Any) -> VersionRecord:
    """A version from its database row, in the session that read it."""
    found = _around(object_session(row), row.workspace, row.name, row.version)
    model = ModelRecord(row.name, row.workspace, found.created_ms, found.model_tags, found.aliases)
    return _version(model, row, found.tags)


def model_versions(row: Any) -> list[VersionRecord]:
    """All versions of a registered model that are not deleted, by number, from its database row."""
    model = _model(row)
    kept = [version for version in row.model_versions if version.current_stage != STAGE_DELETED_INTERNAL]
    records = (_version(model, version, _tags(version.model_version_tags)) for version in kept)
    return sorted(records, key=lambda record: record.version)


def _model(row: Any) -> ModelRecord:
    return ModelRecord(
        name=row.name,
        workspace=row.workspace,
        created_ms=row.creation_time,
        tags=_tags(row.registered_model_tags),
        aliases={alias.alias: int(alias.version) for alias in row.registered_model_aliases},
    )


@dataclass(frozen=True)
class _Around:
    """What the database has of a version, of its registered model, and its tags.

    `version` holds the fields of the version, with empty texts for those without a value; none where it is deleted.
    """

    created_ms: int | None
    model_tags: Mapping[str, str]
    aliases: Mapping[str, int]
    tags: Mapping[str, str]
    version: Mapping[str, str]


def _around(asked: Any, workspace: str, name: str, version: int) -> _Around:
    """One question to the database; MLflow's own way asks five."""
    rows = _AROUND.rows(asked, {"workspace": workspace, "name": name, "version": version})
    found: dict[str, dict[str, Any]] = {kind: {} for kind in (_CREATED, _MODEL_TAG, _ALIAS, _TAG, _VERSION)}
    for kind, key, value in rows:
        found[kind][key] = value or ""
    made = found[_CREATED].get(name)
    aliases = {alias: int(pointed) for alias, pointed in found[_ALIAS].items()}
    return _Around(int(made) if made else None, found[_MODEL_TAG], aliases, found[_TAG], found[_VERSION])


def _part(kind: str, table: Any, key: Any, value: Any, *more: Any) -> Any:
    """What one table has of a registered model, as rows of kind, key and value."""
    same = (table.workspace == bindparam("workspace"), table.name == bindparam("name"))
    return select(literal_column(f"'{kind}'").label("kind"), key.label("key"), value.label("value")).where(*same, *more)


def _field(name: str, column: Any) -> Any:
    """What a version has in one field, as such a row."""
    there = (SqlModelVersion.version == bindparam("version"), SqlModelVersion.current_stage != _DELETED)
    return _part(_VERSION, SqlModelVersion, literal_column(f"'{name}'"), column, *there)


_AROUND = Question(
    union_all(
        _part(_CREATED, SqlRegisteredModel, SqlRegisteredModel.name, cast(SqlRegisteredModel.creation_time, String)),
        _part(_MODEL_TAG, SqlRegisteredModelTag, SqlRegisteredModelTag.key, SqlRegisteredModelTag.value),
        _part(
            _ALIAS,
            SqlRegisteredModelAlias,
            SqlRegisteredModelAlias.alias,
            cast(SqlRegisteredModelAlias.version, String),
        ),
        _part(
            _TAG,
            SqlModelVersionTag,
            SqlModelVersionTag.key,
            SqlModelVersionTag.value,
            SqlModelVersionTag.version == bindparam("version"),
        ),
        _field(_STAGE, SqlModelVersion.current_stage),
        _field(_SOURCE, SqlModelVersion.source),
        _field(_STORAGE, SqlModelVersion.storage_location),
        _field(_RUN, SqlModelVersion.run_id),
        _field(_BEGUN, cast(SqlModelVersion.creation_time, String)),
    )
)


def _tags(rows: Iterable[Any]) -> dict[str, str]:
    return {tag.key: tag.value or "" for tag in rows}


def _version(model: ModelRecord, row: Any, tags: Mapping[str, str]) -> VersionRecord:
    return VersionRecord(
        model=model,
        version=int(row.version),
        stage=row.current_stage,
        source=row.source or "",
        location=row.storage_location or row.source or "",
        run_id=row.run_id or None,
        tags=tags,
        created_ms=row.creation_time,
    )
