# SPDX-License-Identifier: Apache-2.0
"""The decision log of real servers: what is refused, allowed and written is in it, on SQLite and PostgreSQL."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from qaqpa import times
from qaqpa.config import LogSource
from qaqpa.evidence.digest import dir_hash
from qaqpa.evidence.keys import new_key, write_key
from qaqpa.evidence.statement import context_digest
from qaqpa.policy.embedded import EmbeddedEngine
from qaqpa.record.log.chain import peek
from qaqpa.record.log.database import Database
from qaqpa.record.log.listing import Listed, Wanted, listed, recorded
from qaqpa.record.log.opening import signing_key
from qaqpa.record.log.reading import rows
from qaqpa.record.log.replay import replay
from qaqpa.record.log.verify import verify
from support.contents import contents, context
from support.registry import Registry, Tags, failed_audit, passing, refusal, signed
from support.servers import mlflow_server

pytestmark = pytest.mark.server

CONFIGURATION = """\
version: 1
gates:
  - stage: production
    profiles: [article-baseline]
    aliases: [production]
    mlflow_stages: [Production]
    names: ["live-*"]
observe:
  - models: ["observed-*"]
    until: {until}
log:
  key: {key}
"""


class Logged:
    """A server, and the log it writes."""

    def __init__(self, registry: Registry, source: LogSource) -> None:
        self.registry, self.source = registry, source
        self.database = Database(source)

    def decisions(self, model: str) -> list[Listed]:
        """Oldest first."""
        return list(listed(self.database, Wanted(model=model), 100))[::-1]


@pytest.fixture(scope="module", params=["sqlite", "psycopg2"])
def logged(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, until: str) -> Iterator[Logged]:
    directory = tmp_path_factory.mktemp(request.param)
    if request.param == "sqlite":
        database, log = f"sqlite:///{directory}/mlflow.db", f"sqlite:///{directory}/log.db"
    else:
        new = request.getfixturevalue("new_postgresql_database")
        database, log = f"sqlite:///{directory}/mlflow.db", new(request.param, f"log_{request.param}")
    key = directory / "gate.key"
    write_key(key, new_key("p256"), None, "gate")
    with mlflow_server(directory, database, CONFIGURATION.format(until=until, key=key), log=log) as server:
        yield Logged(Registry(server, directory), LogSource(log, key))


@pytest.fixture(scope="module")
def until() -> str:
    return str((times.now() + timedelta(days=30)).date())


def _outcomes(decisions: list[Listed]) -> list[tuple[str, str, str]]:
    return [(one.entry.fields["verdict"], one.entry.fields["mode"], one.outcome) for one in decisions]


def test_a_refusal_an_allowed_alias_and_a_stage_are_kept_with_their_outcome(
    logged: Logged, engine: EmbeddedEngine
) -> None:
    registry = logged.registry
    version = registry.registered()
    details = refusal(lambda: registry.client.set_registered_model_alias(version.name, "production", version.number))
    better = registry.added(version.name, evidence=True)
    registry.client.set_registered_model_alias(better.name, "production", better.number)
    registry.client.transition_model_version_stage(better.name, better.number, "Production")
    found = logged.decisions(version.name)
    assert _outcomes(found) == [
        ("deny", "enforce", "refused"),
        ("allow", "enforce", "written"),
        ("allow", "enforce", "written"),
    ]
    assert details["qaqpa"]["log"] == found[0].entry.seq
    for one in found:
        kept = recorded(logged.database, one.entry.seq)
        assert replay(kept, engine).is_same
        assert kept.about["document"]["verdict"] == one.entry.fields["verdict"]
    assert kept.about["action"] == f"stage Production of {better.name} version {better.number}"


def test_what_takes_a_version_out_leaves_no_decision(logged: Logged) -> None:
    registry = logged.registry
    version = registry.registered(evidence=True)
    registry.client.set_registered_model_alias(version.name, "production", version.number)
    registry.client.delete_registered_model_alias(version.name, "production")
    registry.client.transition_model_version_stage(version.name, version.number, "Archived")
    assert len(logged.decisions(version.name)) == 1


def test_an_observed_model_passes_and_its_refusal_is_kept_as_observed(logged: Logged) -> None:
    version = logged.registry.registered("observed")
    logged.registry.client.set_registered_model_alias(version.name, "production", version.number)
    assert _outcomes(logged.decisions(version.name)) == [("deny", "observe", "written")]


def test_a_copy_is_asked_ahead_and_decided_again_when_it_is_written(logged: Logged) -> None:
    registry = logged.registry
    live = registry.new_name("live")
    version = registry.registered(evidence=True, names=[live])
    registry.client.copy_model_version(f"models:/{version.name}/{version.number}", live)
    assert _outcomes(logged.decisions(live)) == [("allow", "enforce", "written")]


def test_a_write_that_fails_after_the_decision_is_kept_as_failed(logged: Logged) -> None:
    registry = logged.registry
    version = registry.registered(evidence=True)
    taken = registry.registered()
    answer = registry.post(
        "registered-models/rename", {"name": version.name, "new_name": f"live-{version.name}"}, "POST"
    )
    assert answer.status_code == 403
    again = registry.registered(evidence=True, names=[f"live-{taken.name}"])
    registry.client.create_registered_model(f"live-{taken.name}")
    answer = registry.post("registered-models/rename", {"name": again.name, "new_name": f"live-{taken.name}"}, "POST")
    assert answer.status_code == 400, answer.text
    (found,) = logged.decisions(f"live-{taken.name}")
    assert (found.outcome, found.reason) == ("failed", "RESOURCE_ALREADY_EXISTS")


def _without_audit(name: str, digest: str) -> Tags:
    tags = passing([name], digest)
    return Tags(tags.model, {key: value for key, value in tags.version.items() if ".audit." not in key})


def test_a_server_goes_back_to_what_it_allowed_until_somebody_finds_fault_with_it(
    logged: Logged, engine: EmbeddedEngine
) -> None:
    registry = logged.registry
    version = registry.registered(tagged=_without_audit)
    digest, system = dir_hash(version.files), context_digest(context(models=[{"name": version.name}]))
    ends = times.now() + timedelta(seconds=8)
    _, key, text = signed(contents(times.now())["audit"], version.name, digest, system, expires_at=ends)
    registry.client.set_model_version_tag(version.name, version.number, key, text)
    registry.client.set_registered_model_alias(version.name, "production", version.number)
    registry.client.delete_registered_model_alias(version.name, "production")
    while times.now() <= ends:
        time.sleep(0.2)
    registry.client.set_registered_model_alias(version.name, "production", version.number)
    first, back = logged.decisions(version.name)
    assert (back.entry.fields["verdict"], back.outcome) == ("allow", "written")
    assert back.entry.fields["rollback"] == first.entry.seq
    assert replay(recorded(logged.database, back.entry.seq), engine).is_same
    registry.client.delete_registered_model_alias(version.name, "production")
    key, text = failed_audit([version.name], digest)
    registry.client.set_model_version_tag(version.name, version.number, key, text)
    details = refusal(lambda: registry.client.set_registered_model_alias(version.name, "production", version.number))
    failed = [finding for finding in details["qaqpa"]["findings"] if finding["status"] == "fail"]
    codes = {violation["code"] for finding in failed for violation in finding["violations"]}
    assert codes == {"conclusion_negative", "evidence_ended"}
    assert registry.aliases(version.name) == {}


def test_the_log_of_a_server_is_intact(logged: Logged) -> None:
    found = verify(logged.database, [signing_key(logged.source).public_key])
    assert found.problems == []
    assert found.size > 5


def test_each_process_of_a_server_records_what_is_in_force(logged: Logged) -> None:
    starts = _rows(logged.source, "start")
    assert (starts[0]["changed"], starts[0]["parties"]) == (None, 1)
    assert [start["changed"] for start in starts[1:]] == [[]] * (len(starts) - 1)
    assert len({start["configuration"] for start in starts}) == 1
    assert {start["key"] for start in starts} == {signing_key(logged.source).key_id}


def _rows(source: LogSource, kind: str) -> list[Any]:
    with Database(source).reading() as connection:
        entries = [peek(row.body) for row in rows(connection)]
    return [entry.fields for entry in entries if entry.kind == kind]
