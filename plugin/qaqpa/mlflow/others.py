# SPDX-License-Identifier: Apache-2.0
"""What other versions say that matters to one: evidence, and who registered its bytes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any

from mlflow.entities.model_registry.model_version_stages import STAGE_DELETED_INTERNAL
from mlflow.store.model_registry.dbmodels.models import SqlModelVersion, SqlModelVersionTag
from sqlalchemy import and_, bindparam, func, literal_column, or_, select, union_all

from qaqpa.evidence.carriers import TAG_PREFIX
from qaqpa.mlflow.connecting import Question, placed, places
from qaqpa.mlflow.identity import REGISTERED_BY
from qaqpa.mlflow.locations import spellings

MOST_TAGS = 5_000
"""Most tags of other versions that are read for one decision."""

MOST_CHARACTERS = 20_000_000
"""Most characters in them that are read."""

_DELETED = STAGE_DELETED_INTERNAL


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
    elsewhere = sum(not row.name for row in rows)
    too_long = any(row.characters > MOST_CHARACTERS for row in rows)
    if too_long or elsewhere > MOST_TAGS or len(rows) - elsewhere > MOST_TAGS:
        return None
    return tuple(
        TagRecord(row.name, int(row.version), row.key, row.value or "", row.place in same, row.creation_time or 0)
        for row in rows
    )


@cache
def _tags_of_others(names: int, locations: int) -> Question:
    """The tags that `read_tags` reads, with the number of characters up to each; the database stops at too many."""
    found = _tags_of_named(names).subquery()
    fits = found.c.characters - found.c.size <= MOST_CHARACTERS
    both = union_all(select(found).where(fits), select(_registrants_elsewhere(names, locations).subquery())).subquery()
    return Question(select(both).order_by(both.c.name, both.c.version, both.c.key))


def _tags_of_named(names: int) -> Any:
    """Evidence and registrants of the other versions of registered models with these names."""
    tag, version = SqlModelVersionTag, SqlModelVersion
    size = func.coalesce(func.length(tag.value), 0)
    order = (tag.name, tag.version, tag.key)
    return (
        select(
            *(tag.name, tag.version, tag.key, tag.value, version.creation_time, _place().label("place")),
            size.label("size"),
            func.sum(size).over(order_by=order).label("characters"),
        )
        .join(version, _of_version())
        .where(
            tag.workspace == bindparam("workspace"),
            tag.name.in_(places("name", names)),
            or_(
                tag.key == REGISTERED_BY,
                # What somebody signed is kept apart from versions that are gone.
                and_(tag.key.startswith(TAG_PREFIX, autoescape=True), version.current_stage != _DELETED),
            ),
            or_(tag.name != bindparam("own_name"), tag.version != bindparam("own_version")),
        )
        .order_by(*order)
        .limit(MOST_TAGS + 1)
    )


def _registrants_elsewhere(names: int, locations: int) -> Any:
    """Who registered the same location under other names, and when first: each once, however often they did.

    Anybody can do that, and as often as they like.
    """
    tag = SqlModelVersionTag
    none = literal_column("0")
    return (
        select(
            *(literal_column("''").label("name"), none.label("version"), tag.key, tag.value),
            *(func.min(SqlModelVersion.creation_time).label("creation_time"), func.min(_place()).label("place")),
            *(none.label("size"), none.label("characters")),
        )
        .join(SqlModelVersion, _of_version())
        .where(
            tag.workspace == bindparam("workspace"),
            tag.key == REGISTERED_BY,
            _place().in_(places("place", locations)),
            tag.name.not_in(places("name", names)),
        )
        .group_by(tag.key, tag.value)
        .limit(MOST_TAGS + 1)
    )


def _place() -> Any:
    """Where the bytes of a version are."""
    return func.coalesce(func.nullif(SqlModelVersion.storage_location, ""), SqlModelVersion.source)


def _of_version() -> Any:
    """Joins tags with their version."""
    tag, version = SqlModelVersionTag, SqlModelVersion
    return and_(version.workspace == tag.workspace, version.name == tag.name, version.version == tag.version)
