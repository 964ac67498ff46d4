# SPDX-License-Identifier: Apache-2.0
"""The demo as a client of the server: moves aliases as anybody would, and attests and checks as `qaqpa` does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from mlflow import MlflowClient
from mlflow.exceptions import MlflowException, RestException

from qaqpa import times
from qaqpa.cli.common import Target
from qaqpa.cli.placing import combined
from qaqpa.cli.statements import context_of, signed_text, statement_about
from qaqpa.evidence.carriers import tag_key
from qaqpa.evidence.keys import SigningKey
from qaqpa.evidence.kinds import STAGE, kind
from qaqpa.evidence.trust import Trust
from qaqpa.gate import decide, request_about, trusted_parties
from qaqpa.mlflow import attaching, registry
from qaqpa.model import Decision, Json, JsonObject, Settings, Stage
from qaqpa.policy.engine import Engine

PROFILES = ("article-baseline",)
"""The profile by which the server decides, where nothing else is configured."""


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

    @property
    def met(self) -> list[str]:
        """The controls that do not."""
        return [finding["control"] for finding in self.findings if finding["status"] in {"pass", "warn"}]

    def violations(self, control: str) -> list[JsonObject]:
        """The violations of a control."""
        return [v for finding in self.findings if finding["control"] == control for v in finding["violations"]]


class Version:
    """One version of the registered model, seen by a client."""

    def __init__(self, client: MlflowClient, url: str, name: str, number: str, trust: Trust | None) -> None:
        """Reads the version.

        Args:
            client: of the server.
            url: address of the server.
            name: of the registered model.
            number: of the version.
            trust: where the parties file comes from; None where there is none.
        """
        self.uri = f"models:/{name}/{number}"
        self.number = number
        self._client = client
        self._url = url
        self._name = name
        self._trust = trust
        self._target = self._read()

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

    def attest(self, content: JsonObject, keys: Sequence[SigningKey]) -> None:
        """Makes a statement about this version or its system, signs and attaches it.

        The context that it names is the one that held at the last decision.
        """
        own, now = kind(content["kind"]), times.now()
        parties, _ = trusted_parties(self._trust, now)
        held = context_of(self._target, parties, now)
        stage = Stage.PRODUCTION if STAGE in own.binds else None
        payload = statement_about(self._target, own, content, held, now, expires=None, stage=stage)
        attaching.attach(
            self.uri,
            tag_key(own, payload),
            signed_text(payload, keys, None),
            combined=combined,
            bound_to_system=own.carried_by_system,
            registry_uri=self._url,
        )

    def decide(self, engine: Engine, profiles: Sequence[str] = PROFILES) -> Decision:
        """What `qaqpa check` says of this version by some profiles, with all that is attached by now."""
        self._target = self._read()
        request = request_about(
            self._target.subject,
            self._target.carried,
            stage=Stage.PRODUCTION,
            profiles=profiles,
            settings=Settings(),
            now=times.now(),
            problems=self._target.problems,
            trust=self._trust,
        )
        return decide(request, engine)

    def _read(self) -> Target:
        """The version as commands read it, without what they say where that takes long."""
        found = registry.read_version(self.uri, self._url)
        beside = attaching.outside(self.uri, found.subject.digest, self._url)
        subject = replace(found.subject, people=(*found.subject.people, *beside.people))
        return Target(subject, (*found.carried, *beside.carried), found.problems)


def _findings(error: RestException) -> list[Any]:
    sent: Json = error.json.get("qaqpa", {})
    found: list[Any] = sent.get("findings", [])
    return found
