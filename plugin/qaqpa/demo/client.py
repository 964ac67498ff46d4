# SPDX-License-Identifier: Apache-2.0
"""The demo as a client of the server: moves aliases as anybody would, and attaches evidence as `qaqpa attest` does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from mlflow import MlflowClient
from mlflow.exceptions import MlflowException, RestException

from qaqpa import times
from qaqpa.evidence.carriers import tag_key
from qaqpa.evidence.collect import collect
from qaqpa.evidence.kinds import kind
from qaqpa.evidence.statement import make_statement
from qaqpa.gate import decide
from qaqpa.mlflow import registry
from qaqpa.model import Decision, Json, JsonObject, Request, Stage, Subject
from qaqpa.policy.engine import Engine

_PROFILES = ("article-baseline",)


@dataclass(frozen=True)
class Answer:
    """What the server answered to a promotion: HTTP status, text, and the findings that it sent along."""

    status: int
    message: str
    findings: Sequence[JsonObject] = ()

    @property
    def allowed(self) -> bool:
        """True where the alias was moved."""
        return self.status == 200  # noqa: PLR2004 - HTTP

    @property
    def open(self) -> list[str]:
        """The controls that deny."""
        return [finding["control"] for finding in self.findings if finding["status"] == "fail"]

    def violations(self, control: str) -> list[JsonObject]:
        """The violations of a control."""
        return [v for finding in self.findings if finding["control"] == control for v in finding["violations"]]


class Version:
    """One version of the registered model, seen by a client."""

    def __init__(self, client: MlflowClient, url: str, name: str, number: str) -> None:
        """Reads the version; its bytes are downloaded and hashed once."""
        self.uri = f"models:/{name}/{number}"
        self.number = number
        self._client = client
        self._url = url
        self._name = name
        self.subject: Subject = registry.read_version(self.uri, url).subject
        self._context_digest: str | None = None

    def promote(self, alias: str) -> Answer:
        """Moves an alias to this version, if the server lets it."""
        try:
            self._client.set_registered_model_alias(self._name, alias, self.number)
        except RestException as error:
            return Answer(error.get_http_status_code(), str(error), _findings(error))
        return Answer(200, f"The alias {alias} points to version {self.number}.")

    def holder(self, alias: str) -> str | None:
        """The version to which an alias points; None where it points nowhere."""
        try:
            return str(self._client.get_model_version_by_alias(self._name, alias).version)
        except MlflowException:
            return None

    def attach(self, content: JsonObject) -> str:
        """Makes a statement about this version or its system, and attaches it. Returns the tag that carries it.

        The context that it names is the one of the last decision.
        """
        own = kind(content["kind"])
        payload = make_statement(
            own,
            content,
            registered_model=self._name,
            model_digest=self.subject.digest,
            context_digest=self._context_digest,
            issued_at=times.now(),
        )
        key = tag_key(own, payload)
        registry.attach(self.uri, key, payload.decode(), bound_to_system=own.carried_by_system, registry_uri=self._url)
        return key

    def decide(self, engine: Engine) -> Decision:
        """What `qaqpa check` says of this version, with all that is attached by now."""
        version = registry.read_version(self.uri, self._url)
        collected = collect(version.carried, version.subject, Stage.PRODUCTION, times.now())
        self._context_digest = collected.context_digest
        request = Request(
            subject=version.subject,
            stage=Stage.PRODUCTION,
            profiles=_PROFILES,
            now=times.now(),
            context=collected.context,
            context_digest=collected.context_digest,
            evidence=collected.evidence,
            rejected=collected.rejected,
            problems=(*collected.problems, *version.problems),
        )
        return decide(request, engine)


def _findings(error: RestException) -> list[Any]:
    sent: Json = error.json.get("qaqpa", {})
    found: list[Any] = sent.get("findings", [])
    return found
