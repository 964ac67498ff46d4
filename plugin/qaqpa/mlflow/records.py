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
from mlflow.store.model_registry.dbmodels.models import SqlModelVersion, SqlModelVersionTag
from sqlalchemy import and_, func, or_

from qaqpa.evidence.carriers import TAG_PREFIX
from qaqpa.mlflow.identity import REGISTERED_BY
from qaqpa.mlflow.locations import spellings

PROMPT_SOURCES = frozenset({"prompt-template", "dummy-source"})
"""What stands for the source of a prompt. A source cannot be changed later; the tag that marks prompts can."""

MOST_TAGS = 5_000
"""Most tags of other versions that are read for one decision."""

MOST_CHARACTERS = 20_000_000
"""Most characters in them that are read."""


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

    @property
    def is_prompt(self) -> bool:
        """True where there are no model bytes, because this is a prompt."""
        return self.source in PROMPT_SOURCES


@dataclass(frozen=True)
class TagRecord:
    """A tag of a version that matters to others: evidence, or who registered it.

    `here` is true where the version is at the location that was asked for, `deleted` where MLflow shows the version no
    more; its tags stay.
    """

    model: str
    version: int
    key: str
    value: str
    here: bool
    deleted: bool


def read_model(store: Any, name: str) -> ModelRecord:
    """A registered model.

    Raises:
        MlflowException: it does not exist, or the database does not answer.
    """
    with store.ManagedSessionMaker(read_only=False) as session:
        return _model(store._get_registered_model(session, name, eager=True))  # noqa: SLF001 - a contract test pins it


def read_version(store: Any, name: str, version: int) -> VersionRecord:
    """One version.

    Raises:
        MlflowException: it does not exist, or the database does not answer.
    """
    with store.ManagedSessionMaker(read_only=False) as session:
        row = store._get_sql_model_version(session, name, version, eager=True)  # noqa: SLF001 - a contract test pins it
        return version_record(row)


def read_versions(store: Any, name: str) -> list[VersionRecord]:
    """All versions of a registered model that are not deleted, by number.

    Raises:
        MlflowException: it does not exist, or the database does not answer.
    """
    with store.ManagedSessionMaker(read_only=False) as session:
        row = store._get_registered_model(session, name, eager=True)  # noqa: SLF001 - a contract test pins it
        return model_versions(row)


def read_tags(store: Any, workspace: str, names: Iterable[str], location: str) -> tuple[TagRecord, ...] | None:
    """Evidence and registrants of all versions of these registered models, and of all versions at this location.

    Other tags are not read. None where there are more than `MOST_TAGS` or `MOST_CHARACTERS`.

    Raises:
        MlflowException: the database does not answer.
    """
    tag, version = SqlModelVersionTag, SqlModelVersion
    at = func.coalesce(func.nullif(version.storage_location, ""), version.source)
    same = spellings(location)
    with store.ManagedSessionMaker(read_only=False) as session:
        rows = (
            session.query(tag.name, tag.version, tag.key, tag.value, at, version.current_stage)
            .join(
                version,
                and_(version.workspace == tag.workspace, version.name == tag.name, version.version == tag.version),
            )
            .filter(
                tag.workspace == workspace,
                or_(tag.key.startswith(TAG_PREFIX, autoescape=True), tag.key == REGISTERED_BY),
                or_(tag.name.in_(sorted(names)), at.in_(sorted(same))),
            )
            .order_by(tag.name, tag.version, tag.key)
            .limit(MOST_TAGS + 1)
            .yield_per(100)
        )
        found, characters = [], 0
        for name, number, key, value, place, stage in rows:
            found.append(TagRecord(name, int(number), key, value or "", place in same, stage == STAGE_DELETED_INTERNAL))
            characters += len(value or "")
            if len(found) > MOST_TAGS or characters > MOST_CHARACTERS:
                return None
    return tuple(found)


def version_record(row: Any) -> VersionRecord:
    """A version from its database row, in the session that read it."""
    return _version(_model(row.registered_model), row)


def model_versions(row: Any) -> list[VersionRecord]:
    """All versions of a registered model that are not deleted, by number, from its database row."""
    model = _model(row)
    kept = [version for version in row.model_versions if version.current_stage != STAGE_DELETED_INTERNAL]
    return sorted((_version(model, version) for version in kept), key=lambda record: record.version)


def _model(row: Any) -> ModelRecord:
    return ModelRecord(
        name=row.name,
        workspace=row.workspace,
        created_ms=row.creation_time,
        tags={tag.key: tag.value or "" for tag in row.registered_model_tags},
        aliases={alias.alias: int(alias.version) for alias in row.registered_model_aliases},
    )


def _version(model: ModelRecord, row: Any) -> VersionRecord:
    return VersionRecord(
        model=model,
        version=int(row.version),
        stage=row.current_stage,
        source=row.source or "",
        location=row.storage_location or row.source or "",
        run_id=row.run_id or None,
        tags={tag.key: tag.value or "" for tag in row.model_version_tags},
    )
