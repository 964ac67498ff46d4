# SPDX-License-Identifier: Apache-2.0
"""Evidence in a registry as a client reaches it: attaches it, takes it away, lists it.

A client cannot know whether the server is gated, and so whether anybody could write what it reads. People whom it finds
recorded only ever add to those of whom a signer must be independent.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from mlflow import MlflowClient

from qaqpa.errors import UsageError
from qaqpa.evidence.carriers import Carried, carried_in_tags
from qaqpa.evidence.errors import StatementError
from qaqpa.evidence.people import TRAINER
from qaqpa.evidence.pieces import read_statement
from qaqpa.mlflow.identity import REGISTERED_BY, registrants
from qaqpa.mlflow.lineage import origin
from qaqpa.mlflow.registry import explained, find, open_client
from qaqpa.model import Recorded, Subject

MODEL_TAG_CHARACTERS = 5_000
"""Longest tag of a registered model. MLflow's check allows 100 000, but PostgreSQL's column has 5 000."""

VERSION_TAG_CHARACTERS = 100_000
"""Longest tag of a version."""

_PAGE = 200


@dataclass(frozen=True)
class Attached:
    """Where evidence was attached, and the text with all signatures that it has there."""

    where: str
    text: str


@dataclass(frozen=True)
class Outside:
    """What is known of a version beside its own tags: evidence attached to other versions, and people."""

    carried: tuple[Carried, ...]
    people: tuple[Recorded, ...]


@dataclass(frozen=True)
class Listed:
    """A version of a registry whose bytes nobody looked at: `subject` has no digest.

    `own` is what its own tags carry, `carried` that and what the registered model and its other versions carry.
    """

    subject: Subject
    own: tuple[Carried, ...]
    carried: tuple[Carried, ...]


def attach(  # noqa: PLR0913 - keyword arguments, each a part of what is attached where
    target: str,
    tag_key: str,
    text: str,
    *,
    combined: Callable[[str, str], str],
    bound_to_system: bool,
    registry_uri: str | None = None,
) -> Attached:
    """Attaches evidence as a tag. Where the tag is there already, `combined` joins both texts first.

    Evidence about a system goes to the registered model, for all its versions; where it is too long for that, to the
    one version. Both are read.

    Args:
        target: `models:/name/7` or `models:/name@alias`.
        tag_key: from `qaqpa.evidence.carriers.tag_key`.
        text: the statement, or the envelope that holds it.
        combined: joins a text with one that is there.
        bound_to_system: true where it is about the system only.
        registry_uri: the MLflow server; MLflow's own settings where None.

    Raises:
        UsageError: the target does not exist, or the evidence is too long.
        UndecidedError: the registry does not answer, or refused the tag.
    """
    client = open_client(registry_uri)
    with explained(target):
        model, version = find(client, target)
        for tags in (model.tags, version.tags):
            text = combined(text, tags[tag_key]) if tag_key in tags else text
        if len(text) > VERSION_TAG_CHARACTERS:
            found = f"The evidence has {len(text)} characters"
            raise UsageError(found, required=f"at most {VERSION_TAG_CHARACTERS}, MLflow's limit")
        if bound_to_system and len(text) <= MODEL_TAG_CHARACTERS:
            client.set_registered_model_tag(model.name, tag_key, text)
            return Attached("registered model", text)
        client.set_model_version_tag(model.name, str(version.version), tag_key, text)
        return Attached("version", text)


def detach(target: str, tag_key: str, *, registry_uri: str | None = None) -> bool:
    """Takes a tag away from the version and from the registered model, wherever it is; false where it is not there.

    Raises:
        UsageError: the target does not exist.
        UndecidedError: the registry does not answer, or refused.
    """
    client = open_client(registry_uri)
    with explained(target):
        model, version = find(client, target)
        if tag_key in version.tags:
            client.delete_model_version_tag(model.name, str(version.version), tag_key)
        if tag_key in model.tags:
            client.delete_registered_model_tag(model.name, tag_key)
        return tag_key in version.tags or tag_key in model.tags


def outside(target: str, digest: str | None, registry_uri: str | None = None) -> Outside:
    """What other versions carry about the same bytes or about no bytes, and whom the registry names.

    Raises:
        UsageError: the target does not exist.
        UndecidedError: the registry does not answer.
    """
    client = open_client(registry_uri)
    with explained(target):
        model, version = find(client, target)
        carried = tuple(outside_evidence(client, model, version, digest))
        return Outside(carried, tuple(outside_people(client, version)))


def outside_evidence(client: MlflowClient, model: Any, version: Any, digest: str | None) -> Iterator[Carried]:
    """Evidence attached to other versions of a registered model, as far as it may concern this version.

    A statement about the same model digest concerns it, and one about no model: otherwise registering the same bytes
    again would leave a failed audit behind. What cannot be read is about that other version only.
    """
    for other in _versions(client, model.name):
        if str(other.version) != str(version.version):
            yield from _concerning(other, digest)


def outside_people(client: MlflowClient, version: Any) -> Iterator[Recorded]:
    """Whom a version's tag and the run behind its bytes name as trainer; from here, neither is trusted."""
    for login in registrants(version.tags.get(REGISTERED_BY)):
        yield Recorded(TRAINER, login, f"tag {REGISTERED_BY}", trusted=False)
    location = client.get_model_version_download_uri(version.name, version.version)
    for user in origin(client, location, version.run_id).users:
        yield Recorded(TRAINER, user, "the run that made the bytes", trusted=False)


def listed(registry_uri: str | None = None) -> Iterator[Listed]:
    """All versions of a registry that carry evidence; their bytes are not read.

    Raises:
        UndecidedError: the registry does not answer.
    """
    client = open_client(registry_uri)
    with explained("the registry"):
        models = {model.name: model for model in _pages(client.search_registered_models)}
        versions: defaultdict[str, list[Any]] = defaultdict(list)
        for version in _pages(client.search_model_versions):
            versions[version.name].append(version)
        for name, model in sorted(models.items()):
            yield from _listed(client, model, sorted(versions[name], key=lambda version: int(version.version)))


def _listed(client: MlflowClient, model: Any, versions: list[Any]) -> Iterator[Listed]:
    carried = {str(version.version): carried_in_tags(version.tags) for version in versions}
    for version in versions:
        own = carried[str(version.version)]
        if own:
            others = [piece for number, some in carried.items() if number != str(version.version) for piece in some]
            subject = Subject(
                name=model.name,
                version=str(version.version),
                created_ms=model.creation_timestamp,
                workspace=getattr(model, "workspace", None) or "default",
                people=tuple(outside_people(client, version)),
            )
            yield Listed(subject, tuple(own), (*carried_in_tags(model.tags), *own, *others))


def _concerning(other: Any, digest: str | None) -> Iterator[Carried]:
    for piece in carried_in_tags(other.tags):
        try:
            statement, _ = read_statement(piece.text)
        except StatementError:
            continue
        if statement.model_digest is None or statement.model_digest == digest:
            yield replace(piece, source=f"version {other.version} of {other.name}, {piece.source}")


def _versions(client: MlflowClient, name: str) -> Iterator[Any]:
    quote = next((mark for mark in "'\"" if mark not in name), None)
    if quote is None:
        # MLflow's filters have no way to write such a name.
        return (found for found in _pages(client.search_model_versions) if found.name == name)
    return _pages(client.search_model_versions, filter_string=f"name = {quote}{name}{quote}")


def _pages(search: Callable[..., Any], **criteria: Any) -> Iterator[Any]:
    token: str | None = None
    more: Mapping[str, Any] = {"max_results": _PAGE, **criteria}
    while True:
        page = search(page_token=token, **more)
        yield from page
        token = page.token
        if not token:
            return
