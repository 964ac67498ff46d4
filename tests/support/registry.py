# SPDX-License-Identifier: Apache-2.0
"""A registry as a data scientist uses it: MLflow's own client and plain HTTP, and evidence as tags."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
from mlflow import MlflowClient
from mlflow.exceptions import RestException

from qaqpa import times
from qaqpa.evidence.carriers import tag_key
from qaqpa.evidence.digest import dir_hash
from qaqpa.evidence.kinds import RESPONSIBILITY, Kind, kind
from qaqpa.evidence.statement import context_digest, make_statement
from qaqpa.mlflow.attaching import MODEL_TAG_CHARACTERS
from support.contents import contents, context
from support.servers import Running
from support.statements import SIGNERS, envelope, stage_of

_numbers = itertools.count(1)


@dataclass(frozen=True)
class Version:
    """A registered version, and the directory that holds the same bytes."""

    name: str
    number: str
    files: Path
    source: str
    run_id: str


@dataclass(frozen=True)
class Tags:
    """Evidence that passes every control: what the registered model carries, and what the version carries."""

    model: dict[str, str]
    version: dict[str, str]


@dataclass(frozen=True)
class Registry:
    """A client of one server."""

    server: Running
    directory: Path
    client: MlflowClient = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "client", MlflowClient(tracking_uri=self.server.url, registry_uri=self.server.url))

    def new_name(self, prefix: str = "credit") -> str:
        return f"{prefix}-{next(_numbers)}"

    def logged(self, content: str | None = None) -> tuple[Path, str, str]:
        """Logs model files in a run: the directory, where the server has it, and the run."""
        files = self.directory / f"model-{next(_numbers)}"
        (files / "data").mkdir(parents=True)
        (files / "MLmodel").write_text("flavors: {}\n")
        (files / "data" / "weights").write_text(content or files.name)
        before = times.now() - timedelta(days=60)
        run = self.client.create_run("0", start_time=int(before.timestamp() * 1000))
        self.client.log_artifacts(run.info.run_id, str(files), "model")
        return files, f"{run.info.artifact_uri}/model", run.info.run_id

    def registered(
        self,
        prefix: str = "credit",
        *,
        evidence: bool = False,
        names: Sequence[str] = (),
        tagged: Callable[[str, str], Tags] | None = None,
    ) -> Version:
        """A new registered model with one version, which have their tags from the start: setting each takes as long.

        Args:
            prefix: of its name.
            evidence: whether the tags carry evidence that passes every control.
            names: further names under which it may be served.
            tagged: the tags, from its name and the model digest, instead of such evidence.
        """
        name, logged = self.new_name(prefix), self.logged()
        if evidence:
            tagged = _passing(names)
        tags = tagged(name, dir_hash(logged[0])) if tagged else Tags({}, {})
        self.client.create_registered_model(name, tags=tags.model)
        return self._created(name, logged, tags.version)

    def added(self, name: str, *, evidence: bool = False, tagged: Callable[[str, str], Tags] | None = None) -> Version:
        """Another version of a registered model; evidence and tags as for `registered`."""
        logged = self.logged()
        if evidence:
            tagged = _passing([])
        tags = tagged(name, dir_hash(logged[0])) if tagged else Tags({}, {})
        version = self._created(name, logged, tags.version)
        self.attach(version, Tags(tags.model, {}))
        return version

    def _created(self, name: str, logged: tuple[Path, str, str], tags: dict[str, str]) -> Version:
        files, source, run_id = logged
        made = self.client.create_model_version(name, source, run_id, tags=tags)
        return Version(name, str(made.version), files, source, run_id)

    def attach(self, version: Version, tags: Tags) -> None:
        for key, value in tags.model.items():
            self.client.set_registered_model_tag(version.name, key, value)
        for key, value in tags.version.items():
            self.client.set_model_version_tag(version.name, version.number, key, value)

    def aliases(self, name: str) -> dict[str, str]:
        # By plain HTTP: MLflow's client hides models that somebody marked as prompts.
        answer = requests.get(
            f"{self.server.url}/api/2.0/mlflow/registered-models/get", params={"name": name}, timeout=60
        ).json()
        return {entry["alias"]: entry["version"] for entry in answer["registered_model"].get("aliases", [])}

    def stage(self, version: Version) -> str:
        return str(self.client.get_model_version(version.name, version.number).current_stage)

    def versions(self, name: str) -> list[str]:
        return [str(found.version) for found in self.client.search_model_versions(f"name = '{name}'")]

    def post(self, path: str, body: Any, method: str = "POST") -> requests.Response:
        """A plain request to MLflow's REST interface."""
        return requests.request(method, f"{self.server.url}/api/2.0/mlflow/{path}", json=body, timeout=60)

    def set_alias(self, version: Version, alias: str, number: str | None = None) -> requests.Response:
        body = {"name": version.name, "alias": alias, "version": number or version.number}
        return self.post("registered-models/alias", body)


def passing(names: Sequence[str], digest: str, **changes: Any) -> Tags:
    """Signed evidence for a model digest, in a system of registered models of these names.

    A statement of responsibility for each name says who trained the model, for servers that know no login.
    """
    return carrying(names, digest, contents(times.now()).values(), **changes)


def carrying(names: Sequence[str], digest: str, wanted: Iterable[dict[str, Any]], **changes: Any) -> Tags:
    """The same of chosen contents, and of the context, to which `changes` are made."""
    system = context(**{"models": [{"name": name} for name in names], **changes})
    found = Tags({}, {})
    for content in (system, *wanted):
        answering = content["kind"] == RESPONSIBILITY
        if answering:
            content["persons"] = [{"id": "trainer", "role": "trainer"}]
        for name in names if answering else names[:1]:
            own, key, text = signed(content, name, digest, context_digest(system))
            carrier = found.model if own.carried_by_system and len(text) <= MODEL_TAG_CHARACTERS else found.version
            carrier[key] = text
    return found


def _passing(names: Sequence[str]) -> Callable[[str, str], Tags]:
    return lambda name, digest: passing([name, *names], digest)


def signed(
    content: dict[str, Any],
    name: str,
    digest: str,
    system: str | None = None,
    signers: Iterable[str] | None = None,
    **changes: Any,
) -> tuple[Kind, str, str]:
    """The kind, the tag and the envelope of a statement made a day ago, signed by whoever has to, or by others."""
    own = kind(content["kind"])
    about = {"registered_model": name, "model_digest": digest, "context_digest": system or context_digest(context())}
    payload = make_statement(
        own, content, **{**about, **stage_of(own), "issued_at": times.now() - timedelta(days=1), **changes}
    )
    persons = SIGNERS[own.name] if signers is None else signers
    return own, tag_key(own, payload), envelope(payload, persons)


def refusal(call: Callable[[], object]) -> Mapping[str, Any]:
    """The JSON with which the server refused a call of MLflow's client."""
    with pytest.raises(RestException) as caught:
        call()
    assert caught.value.error_code == "PERMISSION_DENIED", caught.value
    found: Mapping[str, Any] = caught.value.json
    return found


def failed_audit(names: Sequence[str], digest: str, **changes: Any) -> tuple[str, str]:
    """Tag and envelope of an audit that failed, in the system of `passing` for the same names."""
    content = {**contents(times.now())["audit"], "conclusion": "negative"}
    system = context_digest(context(models=[{"name": name} for name in names]))
    _, key, text = signed(content, names[0], digest, system, **changes)
    return key, text
