# SPDX-License-Identifier: Apache-2.0
"""What the registry says about a model.

It is read from the primary database: a replica may be behind, and the gate would judge what no longer is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
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
from sqlalchemy import String, bindparam, cast, literal_column, select, union_all
from sqlalchemy.orm import object_session

from qaqpa.mlflow.connecting import Question

PROMPT_SOURCES = frozenset({"prompt-template", "dummy-source"})
"""What stands for the source of a prompt. A source cannot be changed later; the tag that marks prompts can."""

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
