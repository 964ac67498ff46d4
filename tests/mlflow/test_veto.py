# SPDX-License-Identifier: Apache-2.0
"""The veto as a plain client meets it, against real servers on SQLite and PostgreSQL."""

from __future__ import annotations

import subprocess
import sys
import unicodedata

import pytest
import requests
from mlflow.exceptions import MlflowException

from qaqpa.evidence.digest import dir_hash
from support.registry import Registry, passing, refusal
from support.servers import mlflow_environment

pytestmark = pytest.mark.server


def test_an_alias_without_evidence_is_refused_with_findings(registry: Registry) -> None:
    version = registry.registered()
    answer = refusal(lambda: registry.client.set_registered_model_alias(version.name, "champion", version.number))
    assert answer["qaqpa"]["verdict"] == "deny"
    assert answer["qaqpa"]["mode"] == "enforce"
    assert answer["qaqpa"]["stage"] == "production"
    assert len(answer["qaqpa"]["policy_digest"]) == 64
    failed = [finding["control"] for finding in answer["qaqpa"]["findings"] if finding["status"] == "fail"]
    assert len(failed) == 23
    assert "1) " in answer["message"]
    assert "responsibility (ACC-01, model owner)" in answer["message"]
    assert f"To see all: `qaqpa check models:/{version.name}/{version.number}`" in answer["message"]
    assert registry.aliases(version.name) == {}


def test_a_refusal_is_http_403_and_names_verdict_and_mode_in_a_header(registry: Registry) -> None:
    answer = registry.set_alias(registry.registered(), "production")
    assert answer.status_code == 403
    assert answer.headers["X-Qaqpa-Decision"] == "deny; mode=enforce"


@pytest.mark.parametrize("stage", ["Production", "pRODUCTION"])
def test_the_stage_production_without_evidence_is_refused(registry: Registry, stage: str) -> None:
    version = registry.registered()
    body = {"name": version.name, "version": version.number, "stage": stage}
    assert registry.post("model-versions/transition-stage", body).status_code == 403
    assert registry.stage(version) == "None"


def test_what_is_not_gated_passes_without_being_judged(registry: Registry) -> None:
    version = registry.registered()
    answer = registry.set_alias(version, "challenger")
    assert answer.ok
    assert "X-Qaqpa-Decision" not in answer.headers
    registry.client.transition_model_version_stage(version.name, version.number, "Staging")
    assert registry.aliases(version.name) == {"challenger": version.number}
    assert registry.stage(version) == "Staging"


@pytest.mark.parametrize("alias", ["Champion", "PRODUCTION", "\N{FULLWIDTH LATIN SMALL LETTER P}roduction"])
def test_other_spellings_of_a_gated_alias_are_gated(registry: Registry, alias: str) -> None:
    version = registry.registered()
    assert unicodedata.normalize("NFKC", alias).casefold() in {"champion", "production"}
    assert registry.set_alias(version, alias).status_code == 403
    assert registry.aliases(version.name) == {}


@pytest.mark.parametrize("spelling", ["01", " 1", "1_0"])
def test_other_spellings_of_a_version_are_the_same_version(registry: Registry, spelling: str) -> None:
    version = registry.registered()
    answer = registry.set_alias(version, "champion", spelling)
    assert answer.status_code == (404 if int(spelling) != 1 else 403)
    assert registry.aliases(version.name) == {}


def test_registering_in_a_gated_name_is_refused(registry: Registry) -> None:
    name = registry.new_name("live")
    registry.client.create_registered_model(name)
    _, source, run_id = registry.logged()
    answer = refusal(lambda: registry.client.create_model_version(name, source, run_id))
    assert answer["qaqpa"]["verdict"] == "deny"
    assert registry.versions(name) == []


def test_copying_into_a_gated_name_is_refused(registry: Registry) -> None:
    version = registry.registered()
    name = registry.new_name("LIVE")
    with pytest.raises(MlflowException, match="PERMISSION_DENIED"):
        registry.client.copy_model_version(f"models:/{version.name}/{version.number}", name)
    assert registry.versions(name) == []


def test_renaming_to_a_gated_name_is_refused(registry: Registry) -> None:
    version = registry.registered()
    refusal(lambda: registry.client.rename_registered_model(version.name, registry.new_name("live")))
    assert registry.versions(version.name) == [version.number]


def test_a_model_that_carries_a_gated_alias_is_judged_again_when_it_is_renamed(registry: Registry) -> None:
    version = registry.registered(evidence=True)
    registry.client.set_registered_model_alias(version.name, "champion", version.number)
    answer = refusal(lambda: registry.client.rename_registered_model(version.name, registry.new_name("other")))
    assert answer["qaqpa"]["verdict"] == "deny"
    assert registry.aliases(version.name) == {"champion": version.number}


def test_a_model_without_anything_gated_can_be_renamed(registry: Registry) -> None:
    version = registry.registered()
    name = registry.new_name("other")
    registry.client.rename_registered_model(version.name, name)
    assert registry.versions(name) == [version.number]


def test_with_full_evidence_everything_passes_and_can_be_taken_back(registry: Registry) -> None:
    live, renamed = registry.new_name("live"), registry.new_name("live")
    version = registry.registered(evidence=True, names=[live, renamed])
    registry.client.set_registered_model_alias(version.name, "champion", version.number)
    registry.client.transition_model_version_stage(
        version.name, version.number, "Production", archive_existing_versions=True
    )
    copy = registry.client.copy_model_version(f"models:/{version.name}/{version.number}", live)
    assert registry.aliases(version.name) == {"champion": version.number}
    assert registry.stage(version) == "Production"
    assert registry.versions(live) == [str(copy.version)]
    registry.client.transition_model_version_stage(version.name, version.number, "Archived")
    registry.client.delete_registered_model_alias(version.name, "champion")
    assert (registry.stage(version), registry.aliases(version.name)) == ("Archived", {})
    registry.client.rename_registered_model(version.name, renamed)
    assert registry.versions(renamed) == [version.number]


def test_direct_registration_passes_with_the_evidence_in_the_call(registry: Registry) -> None:
    name = registry.new_name("live")
    files, source, run_id = registry.logged()
    tags = passing([name], dir_hash(files))
    registry.client.create_registered_model(name, tags=tags.model)
    made = registry.client.create_model_version(name, source, run_id, tags=tags.version)
    assert registry.versions(name) == [str(made.version)]


def test_altered_bytes_are_refused_although_the_evidence_is_there(registry: Registry) -> None:
    version = registry.registered(evidence=True)
    path = version.source.removeprefix("mlflow-artifacts:/")
    url = f"{registry.server.url}/api/2.0/mlflow-artifacts/artifacts/{path}/data/weights"
    assert requests.put(url, data=b"other weights", timeout=30).ok
    answer = registry.set_alias(version, "champion")
    assert answer.status_code == 403
    failed = {finding["control"] for finding in answer.json()["qaqpa"]["findings"] if finding["status"] == "fail"}
    assert "NDQ-02" in failed
    assert registry.aliases(version.name) == {}


def test_bytes_that_are_gone_are_a_problem_and_refused(registry: Registry) -> None:
    version = registry.registered()
    gone = registry.client.create_model_version(version.name, version.source + "-gone", version.run_id)
    answer = refusal(lambda: registry.client.set_registered_model_alias(version.name, "champion", gone.version))
    assert [problem["code"] for problem in answer["qaqpa"]["problems"]] == ["bytes_missing"]
    assert registry.aliases(version.name) == {}


def test_an_observed_model_passes_and_the_decision_is_shown(registry: Registry) -> None:
    version = registry.registered("observed")
    answer = registry.set_alias(version, "champion")
    assert answer.ok
    assert answer.headers["X-Qaqpa-Decision"] == "deny; mode=observe"
    assert registry.aliases(version.name) == {"champion": version.number}
    lines = [line for line in registry.server.output().splitlines() if "qaqpa-observe" in line]
    assert any(version.name in line and "would have been refused" in line for line in lines)


def test_prompts_pass(registry: Registry) -> None:
    name = registry.new_name("prompt")
    registry.client.register_prompt(name, "Say {{what}}.")
    registry.client.set_prompt_alias(name, "production", 1)
    assert registry.aliases(name) == {"production": "1"}


def test_a_model_that_is_marked_as_a_prompt_is_refused_all_the_same(registry: Registry) -> None:
    version = registry.registered()
    mark = {"name": version.name, "key": "mlflow.prompt.is_prompt", "value": "true"}
    assert registry.post("model-versions/set-tag", {**mark, "version": version.number}).ok
    assert registry.post("registered-models/set-tag", mark).ok
    assert registry.set_alias(version, "production").status_code == 403
    assert registry.aliases(version.name) == {}


def test_hostile_names_are_escaped_in_the_refusal(registry: Registry) -> None:
    version = registry.registered("cr\x1b[31m\u202eedit\n")
    message = registry.set_alias(version, "champion").json()["message"]
    assert not any(unicodedata.category(character) in {"Cc", "Cf"} for character in message)
    assert "\\u001b" in message


def test_a_client_without_qaqpa_is_refused(registry: Registry) -> None:
    version = registry.registered()
    script = f"""
import sys
sys.modules["qaqpa"] = None
from mlflow import MlflowClient
MlflowClient("{registry.server.url}").set_registered_model_alias("{version.name}", "champion", "{version.number}")
"""
    command = [sys.executable, "-W", "ignore", "-c", script]
    done = subprocess.run(command, env=mlflow_environment(), capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 1
    assert "PERMISSION_DENIED: Qaqpa: promotion of" in done.stderr


def test_a_version_that_does_not_exist_is_not_found(registry: Registry) -> None:
    assert registry.set_alias(registry.registered(), "champion", "7").status_code == 404


def test_bytes_that_clients_would_fetch_from_another_host_are_not_judged(registry: Registry) -> None:
    name = registry.new_name()
    experiment = registry.client.create_experiment(name, artifact_location="mlflow-artifacts:////127.0.0.1:1/x")
    model = registry.client.create_logged_model(experiment)
    assert model.artifact_location.startswith("mlflow-artifacts://127.0.0.1:1/")
    registry.client.create_registered_model(name)
    registry.client.create_model_version(name, f"models:/{model.model_id}", model_id=model.model_id)
    answer = registry.post("registered-models/alias", {"name": name, "alias": "production", "version": "1"})
    assert answer.status_code == 403
    assert "The location names a host" in answer.json()["message"]
    assert registry.aliases(name) == {}
