# SPDX-License-Identifier: Apache-2.0
"""Every attack of the catalogue against a real MLflow server, with MLflow's own client."""

from __future__ import annotations

import base64
import json
import sqlite3
from collections.abc import Iterable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from mlflow.exceptions import RestException

from attacks.catalogue import ATTACKS, Attack
from attacks.scene import DAY, Scene, attacked_organisation
from attacks.test_in_process import codes_of
from qaqpa import times
from qaqpa.documents import parse_yaml
from qaqpa.evidence.carriers import TAG_PREFIX, Carried
from qaqpa.evidence.digest import dir_hash
from qaqpa.evidence.parties import parse_parties
from support.keyring import ROOTS, public_line, signed_text, to_yaml
from support.registry import Registry, Tags, Version, refusal

pytestmark = pytest.mark.server


NOW = times.now()


def scene_of(version: Version) -> Scene:
    return Scene(version.name, dir_hash(version.files), NOW)


def keyed(pieces: Iterable[Carried]) -> list[tuple[str, str]]:
    """Tags for pieces. The name of a tag is free; what it says of the statement in it is not believed."""
    return [(piece.tag or f"{TAG_PREFIX}{piece.kind}.{number}", piece.text) for number, piece in enumerate(pieces)]


def sound(registry: Registry, *without: str) -> Version:
    """A new version that is allowed, but for the kinds of evidence that it goes without."""
    return registry.registered(
        tagged=lambda name, digest: Tags({}, dict(keyed(Scene(name, digest, NOW).sound(*without))))
    )


def attach(registry: Registry, version: Version, pieces: Iterable[Carried]) -> None:
    for key, text in keyed(pieces):
        registry.client.set_model_version_tag(version.name, version.number, key, text)


def promote(registry: Registry, version: Version, alias: str = "production") -> None:
    registry.client.set_registered_model_alias(version.name, alias, version.number)


def refused(registry: Registry, version: Version) -> Mapping[str, Any]:
    found: Mapping[str, Any] = refusal(lambda: promote(registry, version))["qaqpa"]
    assert "production" not in registry.aliases(version.name)
    return found


def test_without_an_attack_it_is_allowed(registry: Registry) -> None:
    version = registry.registered()
    attach(registry, version, scene_of(version).sound())
    promote(registry, version)
    assert registry.aliases(version.name) == {"production": version.number}


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.name)
def test_it_fails_with_its_code(registry: Registry, attack: Attack) -> None:
    version = sound(registry, *attack.without)
    attach(registry, version, attack.make(scene_of(version)))
    assert attack.code in codes_of(refused(registry, version))


@pytest.mark.parametrize(
    ("changes", "roots", "code"),
    [
        ({"version": 99}, ["root1"], "parties_signatures"),
        (
            {"root_keys": [public_line("stranger1"), public_line("stranger2")]},
            ["stranger1", "stranger2"],
            "parties_signatures",
        ),
        ({"expires": times.render(times.now() - timedelta(seconds=1))}, ROOTS[:2], "parties_expired"),
        ({"expires": times.render(times.now() + 91 * DAY)}, ROOTS[:2], "parties_too_long"),
        ({"expires": times.render(times.now() + 50 * DAY)}, ROOTS[:2], "parties_conflict"),
        ({"version": 0}, ROOTS[:2], "parties_unreadable"),
    ],
)
def test_a_parties_file_that_does_not_count_leaves_nobody_who_could_sign(
    registry: Registry, changes: dict[str, Any], roots: list[str], code: str
) -> None:
    version = sound(registry)
    file = registry.directory / "parties.signed.json"
    before = file.read_bytes()
    try:
        file.write_text(
            signed_text(to_yaml({**attacked_organisation(times.now()), "version": version_in(file), **changes}), roots),
            encoding="utf-8",
        )
        assert {code, "no_parties"} <= codes_of(refused(registry, version))
    finally:
        file.write_bytes(before)
    promote(registry, version)


def version_in(file: Path) -> int:
    """Of the parties file that other tests left; versions only grow."""
    payload = base64.b64decode(json.loads(file.read_text("utf-8"))["payload"]).decode()
    return parse_parties(parse_yaml(payload, "parties.yaml")).version


def test_a_parties_file_that_is_rolled_back_leaves_nobody_who_could_sign(registry: Registry) -> None:
    version = sound(registry)
    file = registry.directory / "parties.signed.json"
    newer = attacked_organisation(times.now()) | {"version": version_in(file) + 1}
    older = file.read_bytes()
    file.write_text(signed_text(to_yaml(newer)), encoding="utf-8")
    promote(registry, version, "champion")
    file.write_bytes(older)
    assert "parties_rolled_back" in codes_of(refused(registry, version))
    file.write_text(signed_text(to_yaml(newer)), encoding="utf-8")


def test_an_envelope_longer_than_a_tag_does_not_get_in(registry: Registry) -> None:
    version = registry.registered()
    with pytest.raises(RestException) as caught:
        registry.client.set_model_version_tag(version.name, version.number, f"{TAG_PREFIX}audit.1", "x" * 100_001)
    assert caught.value.error_code == "INVALID_PARAMETER_VALUE"


def test_ten_thousand_tags_are_no_selection(registry: Registry) -> None:
    version = sound(registry)
    scene = scene_of(version)
    text = scene.of("audit").text
    rows = [(f"{TAG_PREFIX}audit.{number}", text, version.name, version.number) for number in range(10_000)]
    with sqlite3.connect(registry.directory / "mlflow.db", timeout=30) as database:
        columns = "key, value, name, version"
        database.executemany(f"INSERT INTO model_version_tags ({columns}) VALUES (?, ?, ?, ?)", rows)
    assert "too_much_evidence" in codes_of(refused(registry, version))


def test_whatever_a_plain_client_sets_no_tag_is_enough(registry: Registry) -> None:
    version = registry.registered()
    for key, value in {
        "audit_passed": "true",
        "qaqpa": "allow",
        f"{TAG_PREFIX}audit": "passed",
        f"{TAG_PREFIX}audit.1": "{}",
        f"{TAG_PREFIX}system.1": '{"affects_rights": false}',
        "mlflow.prompt.is_prompt": "true",
    }.items():
        registry.client.set_model_version_tag(version.name, version.number, key, value)
    assert refused(registry, version)["verdict"] == "deny"


def test_copies_of_what_somebody_signed_neither_crowd_out_nor_stay(registry: Registry) -> None:
    version = sound(registry)
    scene = scene_of(version)
    piece = scene.of("audit")
    for number in range(3):
        key = f"{TAG_PREFIX}audit.copy{number}"
        registry.client.set_model_version_tag(version.name, version.number, key, piece.text)
    promote(registry, version)
    registry.client.delete_model_version_tag(version.name, version.number, f"{TAG_PREFIX}audit.copy0")
    with pytest.raises(RestException) as caught:
        registry.client.delete_model_version_tag(version.name, version.number, piece.tag)
    assert caught.value.error_code == "PERMISSION_DENIED"
