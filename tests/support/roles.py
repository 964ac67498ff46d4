# SPDX-License-Identifier: Apache-2.0
"""What the roles of `deploy/postgresql` can do, asked of the database."""

from __future__ import annotations

import os
import subprocess
from typing import Any

import psycopg2

from support.composed import DEPLOY, PASSWORDS
from support.servers import HOST, postgresql_programs

DENIED = "permission denied"
REGISTRY_TABLES = (
    "registered_models",
    "registered_model_tags",
    "registered_model_aliases",
    "model_versions",
    "model_version_tags",
)
OF_THE_GATE = ("qaqpa_envelopes", "qaqpa_envelope_subjects", "qaqpa_freezes")
OF_THE_LOG = ("qaqpa_log", "qaqpa_log_allowed", "qaqpa_log_content", "qaqpa_log_override")


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


def may(server: Any, role: str, table: str, privileges: str) -> bool:
    """True where a role has one of the privileges."""
    query = f"SELECT has_table_privilege('{role}', '{table}', '{privileges}')"
    return bool(run_sql(server, "postgres", "mlflow", query)[0][0])
