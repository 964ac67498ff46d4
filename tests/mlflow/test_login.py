# SPDX-License-Identifier: Apache-2.0
"""The acting user comes from MLflow's own login, on a real server with basic-auth; so does who registered a version."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests

from qaqpa import times
from qaqpa.cli.main import main
from qaqpa.evidence.digest import dir_hash
from support.contents import contents
from support.registry import Registry, Version, passing, refusal, signed
from support.servers import mlflow_server

pytestmark = pytest.mark.server

ADMIN = ("admin", "a long enough password")
USERS = ("trainer", "peer", "auditor", "junior", "deployer", "stranger")
RECORD = "qaqpa.registered_by"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    directory = tmp_path_factory.mktemp("login")
    configuration = (
        "version: 1\nseparation_of_duties: required\n"
        "identity:\n  proxy:\n    header: X-Forwarded-User\n    from: ['127.0.0.1/32']\n"
    )
    with mlflow_server(directory, f"sqlite:///{directory}/mlflow.db", configuration, login=ADMIN) as found:
        for user in USERS:
            body = {"username": user, "password": f"password of {user}"}
            assert requests.post(f"{found.url}/api/2.0/mlflow/users/create", json=body, auth=ADMIN, timeout=60).ok
        yield Registry(found, directory)


@pytest.fixture
def login(server: Registry, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Registry]:
    """Lets MLflow's client log in as a user."""

    def as_user(user: str) -> Registry:
        monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", user)
        monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", f"password of {user}")
        return server

    return as_user


def _post(
    server: Registry,
    call: str,
    body: dict[str, str],
    user: tuple[str, str] | None = ADMIN,
    method: str = "POST",
    **headers: str,
) -> requests.Response:
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    url = f"{server.server.url}/api/2.0/mlflow/{call}"
    return requests.request(method, url, json=body, auth=user, headers=sent, timeout=60)


def _refused(registry: Registry, version: Version) -> dict[str, Any]:
    answer = refusal(lambda: registry.client.set_registered_model_alias(version.name, "champion", version.number))
    found: dict[str, Any] = answer["qaqpa"]
    return found


def _why(decision: dict[str, Any], control: str) -> str:
    """All that the finding of a control says."""
    return json.dumps([finding for finding in decision["findings"] if finding["control"] == control])


def _registrants(registry: Registry, name: str, number: str) -> Any:
    return json.loads(registry.client.get_model_version(name, number).tags[RECORD])


def test_the_check_from_outside_needs_no_more_than_a_login(
    server: Registry, login: Callable[[str], Registry], capsys: pytest.CaptureFixture[str]
) -> None:
    login("stranger")
    assert main(["doctor", "--server", server.server.url]) == 0
    out = capsys.readouterr().out
    assert "asked by reading, for this account may set no alias" in out
    assert "1 worker of 1 answered" in out


def test_a_refusal_is_logged_with_the_name_of_whoever_logged_in(server: Registry) -> None:
    assert _post(server, "registered-models/create", {"name": "credit"}).ok
    assert _post(server, "model-versions/create", {"name": "credit", "source": "s3://nowhere/model"}).ok
    body = {"name": "credit", "alias": "production", "version": "1"}
    assert _post(server, "registered-models/alias", body, user=None).status_code == 401
    assert "asked by" not in server.server.output()
    refused = _post(server, "registered-models/alias", body)
    assert refused.status_code == 403
    assert refused.json()["qaqpa"]["verdict"] == "deny"
    assert "asked by admin" in server.server.output()


def test_whoever_trained_registers_and_somebody_else_promotes(login: Callable[[str], Registry]) -> None:
    version = login("trainer").registered(evidence=True)
    registry = login("deployer")
    registry.client.set_registered_model_alias(version.name, "champion", version.number)
    assert registry.client.get_registered_model(version.name).aliases == {"champion": version.number}


def test_the_server_records_who_registered_and_nobody_else_can(login: Callable[[str], Registry]) -> None:
    registry = login("trainer")
    name = registry.new_name()
    registry.client.create_registered_model(name)
    _, source, run_id = registry.logged()
    made = registry.client.create_model_version(name, source, run_id, tags={RECORD: '["stranger"]'})
    assert _registrants(registry, name, made.version) == ["trainer"]
    refusal(lambda: registry.client.set_model_version_tag(name, made.version, RECORD, '["stranger"]'))
    refusal(lambda: registry.client.delete_model_version_tag(name, made.version, RECORD))
    assert _registrants(registry, name, made.version) == ["trainer"]


def test_a_copy_keeps_who_registered_and_adds_who_copied(login: Callable[[str], Registry]) -> None:
    version = login("trainer").registered()
    registry = login("auditor")
    copy = registry.client.copy_model_version(f"models:/{version.name}/{version.number}", registry.new_name())
    assert _registrants(registry, copy.name, copy.version) == ["auditor", "trainer"]


def test_who_registered_is_no_independent_auditor(login: Callable[[str], Registry]) -> None:
    version = login("auditor").registered(evidence=True)
    assert "not_independent" in _why(_refused(login("deployer"), version), "AUD-01")


def test_who_registered_the_same_bytes_elsewhere_is_no_independent_auditor(login: Callable[[str], Registry]) -> None:
    version = login("trainer").registered(evidence=True)
    registry = login("auditor")
    other = registry.new_name()
    registry.client.create_registered_model(other)
    registry.client.create_model_version(other, version.source, version.run_id)
    assert "not_independent" in _why(_refused(login("deployer"), version), "AUD-01")


@pytest.mark.parametrize("by_path", [False, True])
def test_a_colleague_of_the_auditor_who_copies_a_model_takes_nobody_s_independence_away(
    login: Callable[[str], Registry], *, by_path: bool
) -> None:
    version = login("trainer").registered(evidence=True)
    registry = login("junior")
    other = registry.new_name()
    if by_path:
        registry.client.create_registered_model(other)
        registry.client.create_model_version(other, version.source, version.run_id)
    else:
        registry.client.copy_model_version(f"models:/{version.name}/{version.number}", other)
    registry = login("deployer")
    registry.client.set_registered_model_alias(version.name, "champion", version.number)
    assert registry.client.get_registered_model(version.name).aliases == {"champion": version.number}


def test_that_somebody_else_registers_a_model_again_makes_no_colleague_of_its_trainer_independent(
    login: Callable[[str], Registry],
) -> None:
    first = login("junior").registered()
    registry = login("trainer")
    name = registry.new_name()
    tags = passing([name], dir_hash(first.files))
    registry.client.create_registered_model(name, tags=tags.model)
    made = registry.client.create_model_version(name, first.source, first.run_id, tags=tags.version)
    again = Version(name, str(made.version), first.files, first.source, first.run_id)
    assert "same_unit" in _why(_refused(login("deployer"), again), "AUD-01")


def test_whom_the_run_names_is_no_independent_auditor(login: Callable[[str], Registry]) -> None:
    registry = login("trainer")
    version = registry.registered(evidence=True)
    registry.client.set_tag(version.run_id, "mlflow.user", "auditor")
    assert "not_independent" in _why(_refused(login("deployer"), version), "AUD-01")


def test_whoever_asks_is_no_independent_auditor(login: Callable[[str], Registry]) -> None:
    version = login("trainer").registered(evidence=True)
    assert "not_independent" in _why(_refused(login("auditor"), version), "AUD-01")


def test_a_login_that_the_parties_file_does_not_know(login: Callable[[str], Registry]) -> None:
    version = login("stranger").registered(evidence=True)
    answer = refusal(
        lambda: login("deployer").client.set_registered_model_alias(version.name, "champion", version.number)
    )
    assert "people_unknown" in answer["message"]
    assert "people_unknown" in _why(answer["qaqpa"], "AUD-01")


def test_whoever_asks_is_not_the_only_one_who_signed(login: Callable[[str], Registry]) -> None:
    registry = login("trainer")
    version = registry.registered()
    _, key, text = signed(contents(times.now())["bias"], version.name, dir_hash(version.files))
    registry.client.set_model_version_tag(version.name, version.number, key, text)
    problems = _refused(registry, version)["problems"]
    assert ("separation_of_duties", "trainer") in [(problem["code"], problem["detail"]) for problem in problems]
    problems = _refused(login("deployer"), version)["problems"]
    assert "separation_of_duties" not in [problem["code"] for problem in problems]


def test_a_header_that_names_somebody_else_than_the_login_leaves_nobody(login: Callable[[str], Registry]) -> None:
    version = login("trainer").registered(evidence=True)
    body = {"name": version.name, "alias": "champion", "version": version.number}
    user = ("trainer", "password of trainer")
    refused = _post(login("trainer"), "registered-models/alias", body, user, X_Forwarded_User="deployer").json()[
        "qaqpa"
    ]
    assert refused["user"] is None
    assert "actor_unknown" in [problem["code"] for problem in refused["problems"]]
    assert "the logins differ: deployer and trainer" in login("trainer").server.output()
    user = ("deployer", "password of deployer")
    assert _post(login("trainer"), "registered-models/alias", body, user, X_Forwarded_User="deployer").ok


def test_a_header_of_the_proxy_is_no_login_of_mlflow(server: Registry) -> None:
    body = {"name": "credit", "alias": "production", "version": "1"}
    assert _post(server, "registered-models/alias", body, None, X_Forwarded_User="admin").status_code == 401


def test_an_assistant_cannot_promote_for_a_person_and_can_take_out_of_production(
    login: Callable[[str], Registry],
) -> None:
    registry = login("trainer")
    version = registry.registered(evidence=True)
    body = {"name": version.name, "alias": "champion", "version": version.number}
    user = ("deployer", "password of deployer")

    def asked(call: str, body: dict[str, str], method: str = "POST", **headers: str) -> requests.Response:
        return _post(registry, call, body, user, method, **headers)

    for value in ("v1:deployer:99999999999999:signature", ""):
        refused = asked("registered-models/alias", body, X_MLflow_Assistant_Delegation=value)
        assert refused.status_code == 403
        found = refused.json()["qaqpa"]
        assert (found["verdict"], [problem["code"] for problem in found["problems"]]) == ("deny", ["delegated"])
        assert found["log"] > 0
    assert "An assistant asks" in refused.json()["message"]
    assert registry.client.get_registered_model(version.name).aliases == {}
    assert asked("registered-models/alias", body).ok
    gone = {"name": version.name, "alias": "champion"}
    assert asked("registered-models/alias", gone, "DELETE", X_MLflow_Assistant_Delegation="x").ok
    assert registry.client.get_registered_model(version.name).aliases == {}
