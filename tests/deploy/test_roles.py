# SPDX-License-Identifier: Apache-2.0
"""What each role of `deploy/postgresql` may not do, in SQL."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import psycopg2
import pytest

from qaqpa.cli.main import main
from qaqpa.config import LogSource
from qaqpa.evidence.keys import openssh
from qaqpa.record.log.erase import erase_person
from qaqpa.record.log.opening import open_log, signing_key
from support.logs import checked
from support.registry import Version
from support.roles import DENIED, OF_THE_GATE, OF_THE_LOG, REGISTRY_TABLES, grant, may, psql, run_sql
from support.servers import HOST

pytestmark = [pytest.mark.server, pytest.mark.opa]


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


def test_a_reader_reads_with_a_public_key_and_makes_no_checkpoint(
    server: Any, live: Version, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    del live
    variables, secret = server.machine.variables, f"{7:048x}"
    for name in ("DB_READER_PASSWORD", "DB_ERASER_PASSWORD"):
        monkeypatch.setenv(name, secret)
    psql(server, "postgres", variables["POSTGRES_PASSWORD"], "postgres", "roles.sql")
    for role in ("qaqpa_reader", "qaqpa_eraser"):
        address = {"host": HOST, "port": server.machine.postgres, "user": role, "dbname": "qaqpa_log"}
        psycopg2.connect(password=secret, **address).close()
        with pytest.raises(psycopg2.OperationalError, match="password authentication failed"):
            psycopg2.connect(password="another", **address)
    private = server.machine.directory / "gate.key"
    key = signing_key(LogSource("sqlite:///unused.db", private))
    (tmp_path / "gate.key.pub").write_text(f"{openssh(key.public_key, 'gate')}\n")
    monkeypatch.setenv("QAQPA_LOG_KEY", str(tmp_path / "gate.key"))
    url = f"postgresql+psycopg2://qaqpa_reader:{secret}@{HOST}:{server.machine.postgres}/qaqpa_log"
    monkeypatch.setenv("QAQPA_LOG", url)
    assert main(["log", "list"]) == 0
    number = capsys.readouterr().out.splitlines()[-1].split()[0]
    assert main(["log", "verify"]) == 0
    assert main(["log", "show", number]) == 0
    assert "Intact" in capsys.readouterr().out
    # The private key, and then the right to append: the guide says who makes checkpoints.
    assert main(["log", "checkpoint"]) == 2
    monkeypatch.setenv("QAQPA_LOG_KEY", str(private))
    assert main(["log", "checkpoint"]) == 4
    out, err = capsys.readouterr()
    assert DENIED in err
    assert "qaqpa" not in out
    monkeypatch.setenv("QAQPA_LOG", server.machine.uri("qaqpa_log", "qaqpa_log"))
    assert main(["log", "checkpoint"]) == 0


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
            (t, role) for t in tables for role in roles if may(server, role, t, "SELECT, INSERT, UPDATE, DELETE")
        ]
        grant(server, "mlflow")
        for table, writer in tables.items():
            assert [role for role in roles if may(server, role, table, "INSERT, UPDATE, DELETE")] == [writer]
            run_sql(server, writer, "mlflow", f"INSERT INTO {table} DEFAULT VALUES")
    finally:
        for table in tables:
            run_sql(server, owner, "mlflow", f"DROP TABLE {table}")


def test_what_somebody_was_given_by_hand_is_taken_away_again(server: Any) -> None:
    run_sql(server, "mlflow_owner", "mlflow", "GRANT UPDATE ON model_versions TO mlflow_tracking, PUBLIC")
    assert may(server, "mlflow_tracking", "model_versions", "UPDATE")
    grant(server, "mlflow")
    assert not may(server, "mlflow_tracking", "model_versions", "UPDATE")


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
    assert not may(server, "mlflow_tracking", "model_versions", "UPDATE")
