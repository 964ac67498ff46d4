# SPDX-License-Identifier: Apache-2.0
"""What a plain client may change in tags, and delete, against real servers on SQLite and PostgreSQL."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
import requests

from qaqpa.evidence.carriers import TAG_PREFIX
from qaqpa.evidence.digest import dir_hash
from qaqpa.evidence.envelope import IN_TOTO, parse_envelope, sign
from support.keyring import signing_key
from support.registry import Registry, Version, failed_audit, passing, refusal

pytestmark = pytest.mark.server

ROUTES = [f"{api}/2.0/mlflow" for api in ("api", "ajax-api")]


def _judged(registry: Registry, version: Version) -> dict[str, Any]:
    answer = registry.set_alias(version, "champion")
    assert answer.status_code == 403
    assert registry.aliases(version.name) == {}
    found: dict[str, Any] = answer.json()["qaqpa"]
    return found


def _fails(registry: Registry, version: Version, control: str = "AUD-01") -> bool:
    findings = _judged(registry, version)["findings"]
    return [finding["status"] for finding in findings if finding["control"] == control] == ["fail"]


def _code(answer: requests.Response) -> str:
    assert answer.status_code == 403, answer.text
    return str(answer.json()["qaqpa"]["problems"][0]["code"])


def _audited(registry: Registry) -> tuple[Version, str, str]:
    """A version with all evidence, and an audit that failed beside one that did not."""
    version = registry.registered(evidence=True)
    key, text = failed_audit([version.name], dir_hash(version.files))
    registry.client.set_model_version_tag(version.name, version.number, key, text)
    return version, key, text


def test_a_failed_audit_hidden_behind_an_older_good_one(registry: Registry) -> None:
    version, _, _ = _audited(registry)
    good = [key for key in passing([version.name], dir_hash(version.files)).version if ".audit." in key]
    tags = registry.client.get_model_version(version.name, version.number).tags
    assert len([key for key in tags if key.startswith(f"{TAG_PREFIX}audit.")]) == len(good) + 1
    assert _fails(registry, version)


@pytest.mark.parametrize("route", ROUTES)
def test_a_failed_audit_overwritten(registry: Registry, route: str) -> None:
    version, key, text = _audited(registry)
    good = next(
        value for name, value in passing([version.name], dir_hash(version.files)).version.items() if ".audit." in name
    )
    unsigned = json.dumps({**json.loads(text), "signatures": [{"keyid": "SHA256:x", "sig": "AAAA"}]})
    for value in ("", "junk", "{}", good, unsigned, base64.b64decode(json.loads(text)["payload"]).decode()):
        body = {"name": version.name, "version": version.number, "key": key, "value": value}
        answer = requests.post(f"{registry.server.url}/{route}/model-versions/set-tag", json=body, timeout=60)
        assert _code(answer) == "evidence_kept"
    assert registry.client.get_model_version(version.name, version.number).tags[key] == text
    assert _fails(registry, version)


@pytest.mark.parametrize("route", ROUTES)
def test_a_failed_audit_deleted(registry: Registry, route: str) -> None:
    version, key, text = _audited(registry)
    for call, body in (
        ("model-versions/delete-tag", {"name": version.name, "version": version.number, "key": key}),
        ("model-versions/delete", {"name": version.name, "version": version.number}),
        ("registered-models/delete", {"name": version.name}),
    ):
        answer = requests.delete(f"{registry.server.url}/{route}/{call}", json=body, timeout=60)
        assert _code(answer) == "evidence_kept"
    assert registry.client.get_model_version(version.name, version.number).tags[key] == text
    assert _fails(registry, version)


def test_evidence_of_a_registered_model_is_kept_too(registry: Registry) -> None:
    version = registry.registered(evidence=True)
    tags = registry.client.get_registered_model(version.name).tags
    assert tags
    for key in tags:
        body = {"name": version.name, "key": key, "value": "junk"}
        assert _code(registry.post("registered-models/set-tag", body)) == "evidence_kept"
        assert _code(registry.post("registered-models/delete-tag", {"name": version.name, "key": key}, "DELETE"))
    assert registry.client.get_registered_model(version.name).tags == tags


def test_another_signature_can_be_added_and_none_be_taken_away(registry: Registry) -> None:
    version, key, text = _audited(registry)
    first = parse_envelope(text)
    more = sign(first.payload, IN_TOTO, [signing_key("auditor2")], earlier=first)
    stranger = sign(first.payload, IN_TOTO, [signing_key("auditor", 7)], earlier=first)
    body = {"name": version.name, "version": version.number, "key": key}
    for value in (stranger, text, more):
        assert registry.post("model-versions/set-tag", {**body, "value": value}).ok
    assert _code(registry.post("model-versions/set-tag", {**body, "value": text})) == "evidence_kept"
    assert registry.client.get_model_version(version.name, version.number).tags[key] == more


def test_junk_can_be_overwritten_and_removed_by_anybody(registry: Registry) -> None:
    version = registry.registered()
    _, signed = failed_audit([version.name], dir_hash(version.files))
    payload = parse_envelope(signed).payload
    _, sound = failed_audit([version.name], dir_hash(version.files), signers=["auditor2"])
    altered = json.loads(sound) | {"payload": base64.b64encode(payload + b" ").decode()}
    key = f"{TAG_PREFIX}audit.0123456789abcdef"
    junk = ("junk", "", payload.decode(), sign(payload, IN_TOTO, [signing_key("auditor", 9)]), json.dumps(altered))
    for value in (*junk, *reversed(junk)):
        registry.client.set_model_version_tag(version.name, version.number, key, value)
        registry.client.set_registered_model_tag(version.name, key, value[:4999])
    registry.client.delete_model_version_tag(version.name, version.number, key)
    registry.client.delete_registered_model_tag(version.name, key)
    assert registry.client.get_model_version(version.name, version.number).tags == {}
    registry.client.set_model_version_tag(version.name, version.number, key, junk[-1])
    registry.client.delete_model_version(version.name, version.number)
    registry.client.delete_registered_model(version.name)


@pytest.mark.parametrize(
    "key", ["qaqpa.registered_by", "qaqpa.evidence", "qaqpa.Evidence.audit.1", "QAQPA.registered_by", "qaqpa.x"]
)
def test_reserved_tags_cannot_be_set_or_deleted(registry: Registry, key: str) -> None:
    version = registry.registered()
    body = {"name": version.name, "key": key, "value": '["auditor"]'}
    assert _code(registry.post("registered-models/set-tag", body)) == "reserved_tag"
    assert _code(registry.post("registered-models/delete-tag", body, "DELETE")) == "reserved_tag"
    body["version"] = version.number
    assert _code(registry.post("model-versions/set-tag", body)) == "reserved_tag"
    assert _code(registry.post("model-versions/delete-tag", body, "DELETE")) == "reserved_tag"
    assert registry.client.get_model_version(version.name, version.number).tags == {}


def test_reserved_tags_are_left_out_where_something_is_made(registry: Registry) -> None:
    name = registry.new_name()
    tags = {"qaqpa.registered_by": '["trainer"]', "Qaqpa.other": "1", "mine": "2", f"{TAG_PREFIX}audit.1": "3"}
    kept = {"mine": "2", f"{TAG_PREFIX}audit.1": "3"}
    registry.client.create_registered_model(name, tags=tags)
    _, source, run_id = registry.logged()
    made = registry.client.create_model_version(name, source, run_id, tags=tags)
    copy = registry.client.copy_model_version(f"models:/{name}/{made.version}", registry.new_name())
    assert registry.client.get_registered_model(name).tags == kept
    assert registry.client.get_model_version(name, made.version).tags == kept
    assert registry.client.get_model_version(copy.name, copy.version).tags == kept


def test_other_tags_are_as_free_as_ever(registry: Registry) -> None:
    version = registry.registered(evidence=True)
    registry.client.set_model_version_tag(version.name, version.number, "audit_passed", "true")
    registry.client.delete_model_version_tag(version.name, version.number, "audit_passed")
    registry.client.set_registered_model_tag(version.name, "audit_passed", "true")
    registry.client.delete_registered_model_tag(version.name, "audit_passed")


def test_a_failed_audit_left_behind_by_registering_the_bytes_again(registry: Registry) -> None:
    first, key, _ = _audited(registry)
    number = str(registry.client.create_model_version(first.name, first.source, first.run_id).version)
    second = Version(first.name, number, first.files, first.source, first.run_id)
    registry.attach(second, passing([first.name], dir_hash(first.files)))
    assert key not in registry.client.get_model_version(second.name, second.number).tags
    assert _fails(registry, second)


def test_a_failed_audit_left_behind_under_another_name(registry: Registry) -> None:
    name = registry.new_name()
    first = registry.registered(names=[name])
    names, digest = [name, first.name], dir_hash(first.files)
    key, text = failed_audit(names, digest)
    registry.client.set_model_version_tag(first.name, first.number, key, text)
    registry.client.create_registered_model(name)
    number = str(registry.client.create_model_version(name, f"{first.source}/", first.run_id).version)
    second = Version(name, number, first.files, first.source, first.run_id)
    registry.attach(second, passing(names, digest))
    assert key not in registry.client.get_model_version(name, number).tags
    assert _fails(registry, second)


def test_a_copy_of_signed_evidence_stays_where_a_stranger_put_it_and_harms_no_other_model(registry: Registry) -> None:
    version, key, text = _audited(registry)
    good = registry.registered(evidence=True)
    strangers = registry.registered()
    copies = {**registry.client.get_model_version(good.name, good.number).tags, key: text}
    for tag, value in copies.items():
        registry.client.set_model_version_tag(strangers.name, strangers.number, tag, value)
    for call in (
        lambda: registry.client.delete_model_version_tag(strangers.name, strangers.number, key),
        lambda: registry.client.delete_model_version(strangers.name, strangers.number),
        lambda: registry.client.delete_registered_model(strangers.name),
    ):
        assert refusal(call)["qaqpa"]["problems"][0]["code"] == "evidence_kept"
    assert registry.set_alias(good, "champion").ok
    assert _fails(registry, version)
    assert "evidence_missing" in json.dumps(_judged(registry, strangers)["findings"]), "it is about other bytes"


def test_a_failed_audit_of_other_bytes_stays_where_it_is(registry: Registry) -> None:
    first, _, _ = _audited(registry)
    second = registry.added(first.name, evidence=True)
    assert registry.set_alias(second, "champion").ok


def test_what_nobody_signed_on_another_registered_model_holds_nothing_up(registry: Registry) -> None:
    version = registry.registered(evidence=True)
    other = registry.new_name()
    registry.client.create_registered_model(other)
    made = registry.client.create_model_version(other, version.source, version.run_id)
    _, text = failed_audit([version.name], dir_hash(version.files))
    payload = parse_envelope(text).payload.decode()
    for number, value in enumerate((payload, "junk", "{}")):
        registry.client.set_model_version_tag(other, made.version, f"{TAG_PREFIX}audit.{number}", value)
    assert registry.set_alias(version, "champion").ok


def test_evidence_on_one_version_serves_another_with_the_same_bytes(registry: Registry) -> None:
    first = registry.registered(evidence=True)
    number = str(registry.client.create_model_version(first.name, first.source, first.run_id).version)
    second = Version(first.name, number, first.files, first.source, first.run_id)
    assert registry.set_alias(second, "champion").ok


def test_demoting_works_while_evidence_is_kept(registry: Registry) -> None:
    version = registry.registered(evidence=True)
    registry.client.set_registered_model_alias(version.name, "champion", version.number)
    answer = refusal(lambda: registry.client.delete_model_version(version.name, version.number))
    assert "archive it, or remove the alias" in answer["message"]
    assert registry.aliases(version.name) == {"champion": version.number}
    registry.client.delete_registered_model_alias(version.name, "champion")
    assert registry.aliases(version.name) == {}
