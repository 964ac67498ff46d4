# SPDX-License-Identifier: Apache-2.0
"""Every way to write to a real server, tried against models in production: they stay there, and their bytes stay.

All of it on SQLite without a login and on PostgreSQL behind one; some of it again under gunicorn, and with workspaces.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from attacks.on_files import FILES
from attacks.on_registry import REGISTRY
from attacks.target import ADMIN, Target, acting, attacked_server, logged_version, new_target, sound
from attacks.trying import GATE, LOGIN, MLFLOW, Attack, try_it, write_down
from qaqpa.evidence.digest import dir_hash
from qaqpa.policy.embedded import EmbeddedEngine
from support.registry import Version

pytestmark = pytest.mark.server

ATTACKS = {attack.name: attack for attack in REGISTRY + FILES}
OFTEN = [name for name, attack in ATTACKS.items() if attack.often]
BY_ADMINISTRATORS = [name for name in OFTEN if ATTACKS[name].row in {"rest", "create", "rename", "recreate", "proxied"}]


@pytest.fixture(scope="module")
def gunicorn(tmp_path_factory: pytest.TempPathFactory, engine: EmbeddedEngine) -> Iterator[Target]:
    """On SQLite, behind a login, under gunicorn: without MLflow's newer routes, which are FastAPI's."""
    more = ["--gunicorn-opts", "--threads 4"]
    with attacked_server(tmp_path_factory.mktemp("gunicorn"), engine, login=ADMIN, more=more) as found:
        assert "gunicorn" in found.server.output()
        yield new_target(found, "SQLite, basic-auth, gunicorn", login=True)


@pytest.mark.parametrize("name", ATTACKS)
def test_it_is_stopped_on_sqlite(plain: Target, name: str) -> None:
    try_it(ATTACKS[name], plain)


@pytest.mark.parametrize("name", ATTACKS)
def test_it_is_stopped_on_postgresql_behind_a_login(login: Target, name: str) -> None:
    try_it(ATTACKS[name], login)


@pytest.mark.parametrize("name", OFTEN)
def test_it_is_stopped_by_gunicorn_too(gunicorn: Target, name: str) -> None:
    try_it(ATTACKS[name], gunicorn)


def test_without_a_login_nothing_is_reached(login: Target) -> None:
    on = login.by("")
    for name in OFTEN:
        attack = ATTACKS[name]
        if attack.first is None and attack.row in {"rest", "rename", "look-alikes", "create"}:
            before = on.state()
            answer = attack.do(on)
            assert answer.status_code == 401, (name, answer.text)
            assert on.state() == before
            write_down(f"{name}, without a login", "login", on, "HTTP", answer, LOGIN)


@pytest.mark.parametrize(
    ("path", "method", "body"),
    [
        ("users/update-admin", "PATCH", {"username": "editor", "is_admin": True}),
        ("users/update-password", "PATCH", {"username": "admin", "password": "a password of my own"}),
        ("users/create", "POST", {"username": "auditor", "password": "a password of my own"}),
        ("users/delete", "DELETE", {"username": "deployer"}),
    ],
)
def test_an_editor_is_no_administrator(login: Target, path: str, method: str, body: dict[str, object]) -> None:
    before = login.state()
    answer = login.post(path, body, method)
    assert answer.status_code == 403, answer.text
    assert "qaqpa" not in answer.text
    assert login.state() == before
    write_down(path, "login", login, "HTTP", answer, LOGIN)


@pytest.mark.parametrize("name", BY_ADMINISTRATORS)
def test_an_administrator_is_judged_too(login: Target, name: str) -> None:
    try_it(ATTACKS[name], login.by(ADMIN[0]))


def test_each_who_could_stop_an_attack_stops_some() -> None:
    for where in (GATE, MLFLOW):
        assert any(attack.by == where for attack in ATTACKS.values())


def test_the_logged_model_behind_production_is_deleted(target: Target) -> None:
    with acting("trainer" if target.user else ""):
        version = logged_version(target.registry)
    with acting("deployer" if target.user else ""):
        target.client.set_registered_model_alias(version.name, "production", version.number)
    model_id = version.source.removeprefix("models:/")
    place = target.place(version)
    before = target.production(), {path: one for path, one in target.files().items() if path.startswith(place)}
    deletion = Attack(
        "deleting the logged model behind production",
        "lineage",
        lambda on: on.call("DELETE", f"mlflow/logged-models/{model_id}"),
    )
    assert deletion.do(target).ok
    upload = target.call("PUT", f"mlflow-artifacts/artifacts/{place}/MLmodel", data=b"evil")
    assert upload.status_code == 403
    after = target.production(), {path: one for path, one in target.files().items() if path.startswith(place)}
    assert before[1]
    assert after == before
    write_down(deletion.name, deletion.row, target, "HTTP", upload)


def _sound(target: Target, prefix: str) -> Version:
    with acting("trainer" if target.user else ""):
        return target.registry.registered(prefix, tagged=sound)


def test_bytes_thaw_when_the_version_leaves_production_and_are_judged_anew(plain: Target) -> None:
    version = _sound(plain, "thawing")
    path = f"mlflow-artifacts/artifacts/{plain.place(version)}/data/weights"
    assert plain.call("PUT", path, data=(version.files / "data" / "weights").read_bytes()).ok
    plain.client.set_registered_model_alias(version.name, "production", version.number)
    assert plain.call("PUT", path, data=b"evil").status_code == 403
    plain.client.delete_registered_model_alias(version.name, "production")
    assert plain.call("PUT", path, data=b"evil").ok
    assert plain.alias(version, "production").status_code == 403


def test_an_upload_that_began_before_the_promotion_does_not_end_after_it(plain: Target) -> None:
    version = _sound(plain, "slow")
    place = plain.place(version)
    directory = plain.registry.directory / "artifacts" / place
    answers = []

    def slowly() -> Iterator[bytes]:
        yield b"ev"
        answers.append(plain.alias(version, "production").status_code)
        yield b"il"

    before = dir_hash(directory)
    path = f"mlflow-artifacts/artifacts/{place}/data/weights"
    answers.append(plain.call("PUT", path, data=slowly()).status_code)
    assert answers in ([200, 403], [403, 200]), "never both"
    if answers == [200, 403]:
        assert dir_hash(directory) == before
    else:
        assert "production" not in plain.registry.aliases(version.name)
