# SPDX-License-Identifier: Apache-2.0
"""The guide to PostgreSQL says what the database says, and the commands that the tests run."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import psycopg2
import pytest

from support.composed import DEPLOY, PASSWORDS, ROOT, services
from support.servers import HOST

pytestmark = [pytest.mark.server, pytest.mark.opa]

GUIDE = (ROOT / "docs" / "guides" / "postgresql.md").read_text("utf-8")
MEANS = {
    "–": set(),
    "reads": {"SELECT"},
    "appends": {"SELECT", "INSERT"},
    "appends, and erases what lies beside the rows": {"SELECT", "INSERT"},
    "writes": {"SELECT", "INSERT", "UPDATE", "DELETE"},
    "owns": {"SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE"},
}
REGISTRY = ("registered_model", "model_version", "webhook", "workspaces")
LESS = {"qaqpa_envelopes": {"DELETE"}, "qaqpa_envelope_subjects": {"UPDATE", "DELETE"}}
"""What the gate's own role lacks on its tables: evidence is never taken away."""


def cells() -> Iterator[tuple[str, str, str]]:
    """Role, column, and what the guide says."""
    rows = [line.strip("|").split("|") for line in GUIDE.splitlines() if line.startswith("|")]
    heads = [head.strip() for head in rows[0]]
    for row in rows[2:]:
        for head, cell in list(zip(heads, row, strict=True))[2:]:
            yield row[0].strip(" `"), head, cell.strip()


def column(table: str, database: str) -> str:
    """The column of the guide that a table belongs to."""
    if database == "mlflow_login":
        return "the login's tables"
    if database == "qaqpa_log":
        return "the decision log"
    if table.startswith("qaqpa_"):
        return "the gate's tables"
    return "MLflow's registry" if table.startswith(REGISTRY) else "the other tables of MLflow"


@pytest.fixture(scope="module")
def granted(server: Any) -> dict[tuple[str, str], dict[str, set[str]]]:
    """By role and column, what may be done with each table."""
    found: dict[tuple[str, str], dict[str, set[str]]] = {}
    roles = sorted({role for role, _, _ in cells()})
    for database in ("mlflow", "mlflow_login", "qaqpa_log"):
        secret, port = server.machine.variables[PASSWORDS["postgres"]], server.machine.postgres
        connection = psycopg2.connect(host=HOST, port=port, user="postgres", password=secret, dbname=database)
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT role, tablename, right_, has_table_privilege(role, tablename::regclass, right_) "
                "FROM pg_tables, unnest(%s) AS role, unnest(%s) AS right_ "
                "WHERE schemaname = 'public' AND tablename NOT LIKE 'alembic%%'",
                (roles, sorted(MEANS["owns"])),
            )
            for role, table, right, has in cursor.fetchall():
                rights = found.setdefault((role, column(table, database)), {}).setdefault(table, set())
                rights |= {right} if has else set()
        connection.close()
    return found


@pytest.mark.parametrize(("role", "head", "word"), list(cells()))
def test_who_may_do_what(granted: dict[tuple[str, str], dict[str, set[str]]], role: str, head: str, word: str) -> None:
    tables = granted[role, head]
    assert len(tables) >= 3
    for table, rights in tables.items():
        wanted = MEANS[word] - (LESS.get(table, set()) if role == "mlflow_registry" else set())
        wanted = wanted | {"UPDATE"} if table == "qaqpa_log_content" and "erases" in word else wanted
        assert rights == wanted, table


def test_it_names_every_role_and_database() -> None:
    names = set(re.findall(r"\\set \w+ (\w+)", (DEPLOY / "postgresql" / "names.sql").read_text("utf-8"))) - {"off"}
    assert len(names) == 8
    assert not [name for name in names if f"`{name}`" not in GUIDE]


def test_its_commands_are_those_that_the_tests_run() -> None:
    migrate = (DEPLOY / "migrate").read_text("utf-8")
    for command in ("mlflow db upgrade", "python -m mlflow.server.auth db upgrade --url", "qaqpa tables --registry"):
        assert f"\n{command} " in migrate
        assert f"$ {command} " in GUIDE
    for step in ("roles", "grants"):
        assert f"/sql/{step}.sql" in services()[step]["command"][-1]
        assert f"-f deploy/postgresql/{step}.sql" in GUIDE
    assert "MLFLOW_SERVER_ENABLE_JOB_EXECUTION=false" in GUIDE
