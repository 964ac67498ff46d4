# SPDX-License-Identifier: Apache-2.0
"""Many requests at the same moment, on both databases: whatever comes first, only what is allowed is in production."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from requests import Response

from attacks.target import Target, acting, sound
from attacks.trying import write_down
from qaqpa.evidence.carriers import TAG_PREFIX
from qaqpa.evidence.digest import dir_hash
from support.registry import Version

pytestmark = pytest.mark.server


def _sound(on: Target) -> Version:
    with acting("trainer" if on.user else ""):
        return on.registry.registered("raced", tagged=sound)


def _deployer(on: Target) -> Target:
    """Whoever may ask for a promotion; a login that the parties file does not list may not."""
    return on.by("deployer") if on.user else on


def _further(on: Target, version: Version, *, evidence: bool = False) -> Version:
    with acting("trainer" if on.user else ""):
        other = on.registry.added(version.name)
        if evidence:
            for key, text in sound(version.name, dir_hash(other.files)).version.items():
                on.client.set_model_version_tag(other.name, other.number, key, text)
    return other


def _at_once(calls: list[Callable[[], Response]]) -> list[Response]:
    with ThreadPoolExecutor(len(calls)) as pool:
        return [found.result() for found in [pool.submit(call) for call in calls]]


def _aliases(on: Target, name: str) -> dict[str, str]:
    found = on.call("GET", "mlflow/registered-models/get", params={"name": name}).json()["registered_model"]
    return {entry["alias"]: entry["version"] for entry in found.get("aliases", [])}


def _stages(on: Target, name: str) -> dict[str, str]:
    found = on.call("GET", "mlflow/model-versions/search", params={"filter": f"name = '{name}'"}).json()
    return {entry["version"]: entry["current_stage"] for entry in found["model_versions"]}


def test_sixteen_promotions_of_a_sound_and_an_unsound_version(target: Target) -> None:
    good = _sound(target)
    bad = _further(target, good)
    wanted = [good, bad] * 8
    deployer = _deployer(target)
    answers = _at_once(
        [lambda: deployer.alias(good, "production"), lambda: target.alias(bad, "production")] * (len(wanted) // 2)
    )
    for version, answer in zip(wanted, answers, strict=True):
        # Too many at once may be told to ask again; nobody is let through for that.
        assert answer.status_code == 403 if version is bad else answer.status_code in {200, 403}, answer.text
    assert any(answer.ok for answer in answers)
    assert _aliases(target, good.name) == {"production": good.number}
    write_down("sixteen promotions at once", "at-once", target, "HTTP", answers[1])


def test_evidence_is_attacked_while_a_version_is_promoted(target: Target) -> None:
    version = _sound(target)
    tags = sound(version.name, dir_hash(version.files)).version
    key = next(key for key in tags if key.startswith(f"{TAG_PREFIX}audit."))
    tag = {"name": version.name, "version": version.number, "key": key}
    weights = f"mlflow-artifacts/artifacts/{target.place(version)}/data/weights"
    same = (version.files / "data" / "weights").read_bytes()
    attacks: list[Callable[[], Response]] = [
        lambda: target.post("model-versions/delete-tag", tag, "DELETE"),
        lambda: target.post("model-versions/set-tag", {**tag, "value": "{}"}),
        lambda: target.call("PUT", weights, data=b"evil"),
        lambda: target.call("PUT", weights, data=same),
        lambda: target.post("model-versions/delete", {"name": version.name, "version": version.number}, "DELETE"),
        lambda: target.post("registered-models/rename", {"name": version.name, "new_name": f"{version.name}-x"}),
    ]
    promotions: list[Callable[[], Response]] = [lambda: _deployer(target).alias(version, "production")] * 4
    answers = _at_once([*attacks, *promotions])
    renamed = answers[5].ok
    name = f"{version.name}-x" if renamed else version.name
    if _aliases(target, name):
        digest = dir_hash(target.registry.directory / "artifacts" / target.place(Version(name, "1", *_rest(version))))
        assert digest == dir_hash(version.files), "what is in production is what was judged"
        assert not renamed, "its evidence names another model"
    gone = {403, 404} if renamed else {403}
    assert {answer.status_code for answer in (answers[0], answers[1], answers[4])} <= gone
    write_down("evidence attacked during a promotion", "at-once", target, "HTTP", answers[0])


def _rest(version: Version) -> tuple[object, ...]:
    return version.files, version.source, version.run_id


def test_archiving_brings_no_other_version_in(target: Target) -> None:
    first = _sound(target)
    second, bad = _further(target, first, evidence=True), _further(target, first)
    with acting("deployer" if target.user else ""):
        target.client.transition_model_version_stage(first.name, first.number, "Production")
    answers = _at_once(
        [
            lambda: target.stage(bad, "Production"),
            lambda: _deployer(target).stage(second, "Production", archive_existing_versions=True),
            lambda: target.stage(first, "Archived"),
            lambda: target.stage(bad, "Production", archive_existing_versions=True),
        ]
    )
    assert (answers[0].status_code, answers[3].status_code) == (403, 403)
    assert answers[2].ok, "taking a version out always works"
    stages = _stages(target, first.name)
    assert stages[bad.number] == "None"
    assert list(stages.values()).count("Production") <= 1
    write_down("archiving while others come in", "at-once", target, "HTTP", answers[0])
