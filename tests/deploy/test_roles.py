# SPDX-License-Identifier: Apache-2.0
"""The roles of `deploy/postgresql`: what the server needs works, and whoever has its tracking role changes nothing."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import mlflow.db
import psycopg2
import pytest
import requests
from click.testing import CliRunner
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException
from mlflow.store.workspace.abstract_store import WorkspaceDeletionMode
from mlflow.store.workspace.sqlalchemy_store import SqlAlchemyStore

from qaqpa.config import LogSource
from qaqpa.record.log.erase import erase_person
from qaqpa.record.log.opening import open_log
from support.composed import DEPLOY, PASSWORDS
from support.logs import checked, kinds
from support.registry import Registry, Version, refusal
from support.servers import HOST, answers, free_port, mlflow_environment, postgresql_programs, running

pytestmark = [pytest.mark.server, pytest.mark.opa]

DENIED = "permission denied"
REGISTRY_TABLES = (
    "registered_models",
    "registered_model_tags",
    "registered_model_aliases",
    "model_versions",
    "model_version_tags",
)
OF_THE_GATE = ("qaqpa_envelopes", "qaqpa_envelope_subjects", "qaqpa_freezes")
OF_THE_LOG = ("qaqpa_log", "qaqpa_log_content", "qaqpa_log_override")


def run_sql(server: Any, role: str, database: str, statement: str) -> Any:
    """What PostgreSQL answers to a role; its error, where it refuses."""
    machine = server.machine
    password = machine.variables[PASSWORDS[role]]
    with psycopg2.connect(
        host=HOST, port=machine.postgres, user=role, password=password, dbname=database
    ) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchall() if cursor.description else []


def state(server: Any) -> list[Any]:
    """All that says what is in production, and why."""
    tables = [*REGISTRY_TABLES, *OF_THE_GATE]
    found = [run_sql(server, "postgres", "mlflow", f"TABLE {table}") for table in tables]
    return [sorted(map(repr, rows)) for rows in found]


def psql(server: Any, role: str, password: str, database: str, script: str, *arguments: str) -> None:
    """Runs a script as the guide says."""
    machine = server.machine
    done = subprocess.run(
        [str(postgresql_programs() / "psql"), "-X", "-q", *arguments, "-f", str(DEPLOY / "postgresql" / script)],
        env={
            **os.environ,
            "PGHOST": HOST,
            "PGPORT": str(machine.postgres),
            "PGUSER": role,
            "PGDATABASE": database,
            "PGPASSWORD": password,
        },
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr


def grant(server: Any, database: str) -> None:
    """Runs the script that grants, as the owner."""
    psql(server, "mlflow_owner", server.machine.variables["DB_OWNER_PASSWORD"], database, "grants.sql")


@pytest.fixture
def unchanged(server: Any, live: Version) -> Iterator[Version]:
    """What is in production before a test is so after it."""
    before = state(server)
    yield live
    assert state(server) == before


def test_a_model_is_refused_then_promoted_read_and_taken_out(server: Any) -> None:
    bare = server.registered(evidence=False)
    client = server.registry.client
    details = refusal(lambda: client.set_registered_model_alias(bare.name, "production", bare.number))["qaqpa"]
    assert (details["verdict"], details["user"]) == ("deny", "deployer")
    version = server.registered(evidence=True)
    client.set_registered_model_alias(version.name, "production", version.number)
    client.transition_model_version_stage(version.name, version.number, "Production")
    assert client.get_model_version_by_alias(version.name, "production").current_stage == "Production"
    files = client.download_artifacts(version.run_id, "model", str(server.machine.directory))
    assert sorted(file.name for file in Path(files).iterdir()) == ["MLmodel", "data"]
    # What is in production is frozen.
    login = ("trainer", "password of trainer")
    path = version.source.removeprefix("mlflow-artifacts:/")
    url = f"{server.stack.mlflow.url}/api/2.0/mlflow-artifacts/artifacts/{path}/data/weights"
    assert requests.put(url, data=b"other", auth=login, timeout=60).status_code == 403
    client.transition_model_version_stage(version.name, version.number, "Archived")
    client.delete_registered_model_alias(version.name, "production")
    assert client.get_registered_model(version.name).aliases == {}


def test_decisions_are_kept_in_a_database_of_their_own(server: Any, live: Version) -> None:
    del live
    log = LogSource(server.machine.uri("qaqpa_log", "qaqpa_log"), server.machine.directory / "gate.key")
    assert checked(log).problems == []
    assert {"start", "decision", "outcome"} <= set(kinds(log))


def test_the_doctor_finds_all_of_it_well(server: Any) -> None:
    machine = server.machine
    done = subprocess.run(
        [sys.executable, "-m", "qaqpa.cli.main", "doctor"],
        env=machine.environment("mlflow"),
        cwd=machine.directory,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "parties: in force" in done.stdout
    assert "engine opa" in done.stdout
    secrets = [value for name, value in machine.variables.items() if "PASSWORD" in name or "SECRET" in name]
    assert not [secret for secret in secrets if secret in done.stdout]


def test_the_server_starts_no_jobs_that_would_inherit_the_registry_s_address(server: Any) -> None:
    children = _processes_below(server.stack.mlflow.process.pid)
    assert len(children) > 2
    assert not [command for command in children if "huey" in command or "job_runner" in command]


def test_no_process_of_the_server_knows_the_password_of_the_owner(server: Any) -> None:
    process = server.stack.mlflow.process.pid
    environment = Path(f"/proc/{process}/environ").read_text("utf-8")
    secrets = {role: server.machine.variables[name] for role, name in PASSWORDS.items()}
    assert secrets["mlflow_tracking"] in environment
    assert not [role for role in ("postgres", "mlflow_owner") if secrets[role] in environment]


@pytest.mark.parametrize("table", [*REGISTRY_TABLES, "webhooks", "workspaces"])
@pytest.mark.parametrize("statement", ["DELETE FROM {}", "INSERT INTO {} DEFAULT VALUES", "TRUNCATE {} CASCADE"])
def test_the_tracking_role_writes_no_table_of_the_registry(
    server: Any, unchanged: Version, table: str, statement: str
) -> None:
    del unchanged
    with pytest.raises(psycopg2.Error, match=DENIED):
        run_sql(server, "mlflow_tracking", "mlflow", statement.format(table))


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE registered_model_aliases SET version = 2",
        "UPDATE model_versions SET current_stage = 'Production'",
        "UPDATE model_versions SET storage_location = 'mlflow-artifacts:/0/other'",
        "UPDATE registered_models SET workspace = 'other'",
        "UPDATE model_version_tags SET value = ''",
        "UPDATE registered_models SET name = name || '2'",
        "SELECT * FROM registered_models FOR UPDATE",
        "LOCK TABLE registered_models IN ACCESS EXCLUSIVE MODE",
        "ALTER TABLE model_versions DISABLE TRIGGER ALL",
        "DROP TABLE model_versions",
        "CREATE TABLE qaqpa_other (id integer)",
        "CREATE FUNCTION now_mine() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'",
        "CREATE TRIGGER mine BEFORE UPDATE ON runs FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()",
        "SET ROLE mlflow_registry",
        "SET ROLE mlflow_owner",
        "SET session_replication_role = replica",
        "COPY model_versions FROM PROGRAM 'true'",
    ],
)
def test_the_tracking_role_has_no_other_way(server: Any, unchanged: Version, statement: str) -> None:
    del unchanged
    with pytest.raises(psycopg2.Error, match=f"{DENIED}|must be (owner|superuser)"):
        run_sql(server, "mlflow_tracking", "mlflow", statement)


@pytest.mark.parametrize("table", OF_THE_GATE)
@pytest.mark.parametrize("statement", ["DELETE FROM {}", "INSERT INTO {} DEFAULT VALUES", "TABLE {}"])
def test_the_tracking_role_neither_writes_nor_reads_the_gate_s_tables(
    server: Any, unchanged: Version, table: str, statement: str
) -> None:
    del unchanged
    with pytest.raises(psycopg2.Error, match=DENIED):
        run_sql(server, "mlflow_tracking", "mlflow", statement.format(table))


@pytest.mark.parametrize("role", ["mlflow_tracking", "mlflow_registry", "mlflow_login"])
def test_whoever_serves_models_cannot_reach_the_log(server: Any, role: str) -> None:
    with pytest.raises(psycopg2.OperationalError, match=DENIED):
        run_sql(server, role, "qaqpa_log", "SELECT 1")


@pytest.mark.parametrize("role", ["mlflow_tracking", "mlflow_registry", "qaqpa_log"])
def test_only_the_login_reaches_who_may_log_in(server: Any, role: str) -> None:
    with pytest.raises(psycopg2.OperationalError, match=DENIED):
        run_sql(server, role, "mlflow_login", "SELECT 1")


def test_the_registry_s_role_takes_no_evidence_away(server: Any, unchanged: Version) -> None:
    del unchanged
    for statement in (
        "DELETE FROM qaqpa_envelopes",
        "DELETE FROM qaqpa_envelope_subjects",
        "UPDATE qaqpa_envelope_subjects SET subject_sha256 = ''",
        "TRUNCATE qaqpa_freezes",
        "DELETE FROM runs",
        "DROP TABLE qaqpa_envelopes",
    ):
        with pytest.raises(psycopg2.Error, match=f"{DENIED}|must be owner"):
            run_sql(server, "mlflow_registry", "mlflow", statement)


@pytest.mark.parametrize("table", OF_THE_LOG)
@pytest.mark.parametrize("statement", ["DELETE FROM {}", "UPDATE {} SET seq = 1", "TRUNCATE {}", "DROP TABLE {}"])
def test_the_log_s_role_only_appends(server: Any, live: Version, table: str, statement: str) -> None:
    del live
    statement = statement.replace("seq = 1", "actual = ''") if table == "qaqpa_log_content" else statement
    with pytest.raises(psycopg2.Error, match=f"{DENIED}|must be owner"):
        run_sql(server, "qaqpa_log", "qaqpa_log", statement.format(table))


def test_only_the_eraser_erases_and_the_chain_still_holds(server: Any, live: Version) -> None:
    del live
    variables = server.machine.variables
    run_sql(server, "postgres", "postgres", f"ALTER ROLE qaqpa_eraser PASSWORD '{variables['DB_LOG_PASSWORD']}'")
    key = server.machine.directory / "gate.key"
    append = LogSource(server.machine.uri("qaqpa_log", "qaqpa_log"), key)
    erase = LogSource(append.url.replace("://qaqpa_log:", "://qaqpa_eraser:"), key, timeout_seconds=60)
    with pytest.raises(Exception, match=DENIED):
        erase_person(open_log(append), ["deployer"], "request 1")
    assert erase_person(open_log(erase), ["deployer"], "request 1").contents > 0
    assert checked(append).problems == []
    with pytest.raises(psycopg2.Error, match=DENIED):
        run_sql(server, "postgres", "qaqpa_log", "SET ROLE qaqpa_eraser; DELETE FROM qaqpa_log")


def test_a_client_with_the_tracking_role_s_address_promotes_nothing(server: Any, unchanged: Version) -> None:
    uri = server.machine.uri("mlflow_tracking", "mlflow")
    client = MlflowClient(tracking_uri=uri, registry_uri=uri)
    name = unchanged.name
    assert client.get_model_version(name, "2").current_stage == "None"
    for call in (
        lambda: client.set_registered_model_alias(name, "production", "2"),
        lambda: client.delete_registered_model_alias(name, "production"),
        lambda: client.transition_model_version_stage(name, "2", "Production"),
        lambda: client.rename_registered_model(name, f"{name}-other"),
        lambda: client.delete_model_version(name, "2"),
        lambda: client.set_model_version_tag(name, "2", "approved", "true"),
        lambda: client.create_model_version(name, "s3://elsewhere/model"),
        lambda: client.create_registered_model("another"),
    ):
        with pytest.raises(MlflowException, match=DENIED):
            call()


def test_a_second_server_without_the_gate_promotes_nothing(server: Any, unchanged: Version, tmp_path: Path) -> None:
    uri, port = server.machine.uri("mlflow_tracking", "mlflow"), free_port()
    url = f"http://{HOST}:{port}"
    command = [sys.executable, "-m", "mlflow", "server", "--backend-store-uri", uri, "--registry-store-uri", uri]
    command += [
        "--artifacts-destination",
        str(tmp_path / "artifacts"),
        "--host",
        HOST,
        "--port",
        str(port),
        "--workers",
        "1",
    ]
    with running(command, tmp_path, lambda: answers(f"{url}/health"), mlflow_environment(), url) as rogue:
        registry = Registry(rogue, tmp_path)
        assert registry.aliases(unchanged.name) == {"production": unchanged.number}
        for path, body in (
            ("registered-models/alias", {"name": unchanged.name, "alias": "production", "version": "2"}),
            ("model-versions/transition-stage", {"name": unchanged.name, "version": "2", "stage": "Production"}),
        ):
            answer = registry.post(path, body)
            assert not answer.ok
            assert DENIED in answer.text


def test_mlflow_db_moves_no_model_to_another_workspace(server: Any, unchanged: Version) -> None:
    run_sql(server, "postgres", "mlflow", "INSERT INTO workspaces (name) VALUES ('other') ON CONFLICT DO NOTHING")
    arguments = ["--from", "default", "--to", "other", "--resource-type", "registered_models", "--yes"]
    command = ["move-resources", server.machine.uri("mlflow_tracking", "mlflow"), *arguments, "--name", unchanged.name]
    done = CliRunner().invoke(mlflow.db.commands, command)
    assert done.exit_code != 0
    assert DENIED in f"{done.output}{done.exception}"


@pytest.mark.parametrize("mode", [WorkspaceDeletionMode.SET_DEFAULT, WorkspaceDeletionMode.CASCADE])
def test_deleting_a_workspace_moves_no_model(server: Any, unchanged: Version, mode: WorkspaceDeletionMode) -> None:
    del unchanged
    team = f"team-{mode.value.lower()}"
    run_sql(
        server,
        "postgres",
        "mlflow",
        f"INSERT INTO workspaces (name) VALUES ('{team}') ON CONFLICT DO NOTHING;"
        f"INSERT INTO registered_models (workspace, name, creation_time) VALUES ('{team}', 'stolen', 1)",
    )
    try:
        with pytest.raises(MlflowException, match=DENIED):
            SqlAlchemyStore(server.machine.uri("mlflow_tracking", "mlflow")).delete_workspace(team, mode)
        found = run_sql(server, "postgres", "mlflow", "SELECT workspace FROM registered_models WHERE name = 'stolen'")
        assert found == [(team,)]
    finally:
        run_sql(server, "postgres", "mlflow", f"DELETE FROM registered_models WHERE workspace = '{team}'")


def test_a_key_of_another_table_changes_nothing_of_the_registry(server: Any) -> None:
    # What a foreign key does by itself, it does with the rights of the owner.
    found = run_sql(
        server,
        "postgres",
        "mlflow",
        "SELECT conrelid::regclass::text, confrelid::regclass::text FROM pg_constraint "
        "WHERE contype = 'f' AND NOT has_table_privilege('mlflow_tracking', conrelid, 'UPDATE') "
        "AND has_table_privilege('mlflow_tracking', confrelid, 'UPDATE, DELETE')",
    )
    assert found == []


def test_a_new_table_is_nobody_s_until_the_script_has_seen_it(server: Any) -> None:
    owner = "mlflow_owner"
    tables = {"qaqpa_later": "mlflow_registry", "registered_model_later": "mlflow_registry", "later": "mlflow_tracking"}
    for table in tables:
        run_sql(server, owner, "mlflow", f"CREATE TABLE {table} (id serial PRIMARY KEY)")
    try:
        roles = ("mlflow_tracking", "mlflow_registry")
        assert not [
            (t, role) for t in tables for role in roles if _may(server, role, t, "SELECT, INSERT, UPDATE, DELETE")
        ]
        grant(server, "mlflow")
        for table, writer in tables.items():
            assert [role for role in roles if _may(server, role, table, "INSERT, UPDATE, DELETE")] == [writer]
            run_sql(server, writer, "mlflow", f"INSERT INTO {table} DEFAULT VALUES")
    finally:
        for table in tables:
            run_sql(server, owner, "mlflow", f"DROP TABLE {table}")


def test_what_somebody_was_given_by_hand_is_taken_away_again(server: Any) -> None:
    run_sql(server, "mlflow_owner", "mlflow", "GRANT UPDATE ON model_versions TO mlflow_tracking, PUBLIC")
    assert _may(server, "mlflow_tracking", "model_versions", "UPDATE")
    grant(server, "mlflow")
    assert not _may(server, "mlflow_tracking", "model_versions", "UPDATE")


def test_who_is_no_superuser_can_make_the_roles_as_a_managed_database_has_it(server: Any) -> None:
    names = ("owner", "tracking", "registry", "login", "log", "eraser", "reader", "mlflow_database", "login_database")
    other = {name: f"other_{name}" for name in (*names, "log_database")}
    run_sql(server, "postgres", "postgres", "CREATE ROLE manager LOGIN CREATEROLE CREATEDB PASSWORD 'manager'")
    arguments = [part for name, value in other.items() for part in ("-v", f"{name}={value}")]
    for _ in range(2):
        psql(server, "manager", "manager", "postgres", "roles.sql", *arguments)
    psql(server, "manager", "manager", "other_mlflow_database", "grants.sql", *arguments)
    found = run_sql(
        server,
        "postgres",
        "postgres",
        "SELECT rolname FROM pg_roles WHERE rolname LIKE 'other%' AND rolcanlogin AND NOT rolinherit ORDER BY rolname",
    )
    assert [name for (name,) in found] == sorted(f"other_{name}" for name in names[:7])


def test_nobody_passes_on_what_they_do_not_have(server: Any) -> None:
    # PostgreSQL answers with a warning, and does nothing.
    run_sql(server, "mlflow_tracking", "mlflow", "GRANT UPDATE ON model_versions TO mlflow_tracking")
    assert not _may(server, "mlflow_tracking", "model_versions", "UPDATE")


def _may(server: Any, role: str, table: str, privileges: str) -> bool:
    """True where a role has one of the privileges."""
    query = f"SELECT has_table_privilege('{role}', '{table}', '{privileges}')"
    return bool(run_sql(server, "postgres", "mlflow", query)[0][0])


def _processes_below(parent: int) -> list[str]:
    """The command lines of a process and of all that it started."""
    parents, commands = {}, {}
    for process in Path("/proc").iterdir():
        if process.name.isdigit():
            try:
                parents[int(process.name)] = int((process / "stat").read_text().rpartition(")")[2].split()[1])
                commands[int(process.name)] = (process / "cmdline").read_text().replace("\0", " ")
            except (OSError, ValueError):
                continue
    below = {parent}
    while more := {one for one, above in parents.items() if above in below} - below:
        below |= more
    return [commands[one] for one in sorted(below) if one in commands]
