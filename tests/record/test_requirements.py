# SPDX-License-Identifier: Apache-2.0
"""A file of requirements: strict, with places, and safe where it is silent."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from qaqpa.config import DEFAULT_VERIFIER
from qaqpa.errors import UsageError
from qaqpa.evidence.keys import openssh
from qaqpa.model import Stage, Strength
from qaqpa.record.requirements import Requirements, read_requirements
from support.keyring import signing_key
from support.verdicts import GATE

LINE = openssh(GATE.public_key)


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "requirements.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_every_field_is_read(tmp_path: Path) -> None:
    text = f"""\
version: 1
gate_keys: ["{LINE}"]
verifier: urn:acme:gate
stage: staging
model: credit
workspace: retail
model_version: "7"
registry: https://mlflow.acme.example
context: {"ab" * 32}
profiles: [kz, gdpr]
minimum_strength: independent
policies: [{"cd" * 32}]
configuration: {"ef" * 32}
max_age_hours: 24
allow_waivers: [TRN-01]
"""
    found = read_requirements(written(tmp_path, text))
    assert [openssh(key) for key in found.keys] == [LINE]
    assert (found.verifier, found.stage, found.model, found.workspace) == (
        "urn:acme:gate",
        Stage.STAGING,
        "credit",
        "retail",
    )
    assert (found.model_version, found.registry, found.context) == ("7", "https://mlflow.acme.example", "ab" * 32)
    assert (found.profiles, found.policies, found.configuration) == (("kz", "gdpr"), ("cd" * 32,), "ef" * 32)
    assert found.minimum_strength is Strength.INDEPENDENT
    assert (found.max_age, found.allow_waivers) == (timedelta(hours=24), frozenset({"TRN-01"}))


def test_what_is_left_out_is_safe(tmp_path: Path) -> None:
    found = read_requirements(written(tmp_path, "version: 1\n"))
    assert found == Requirements()
    assert (found.stage, found.verifier, found.workspace) == (Stage.PRODUCTION, DEFAULT_VERIFIER, "default")
    assert (found.keys, found.allow_waivers) == ((), frozenset())


def test_all_waivers_or_none(tmp_path: Path) -> None:
    assert read_requirements(written(tmp_path, "version: 1\nallow_waivers: true\n")).allow_waivers is None
    assert read_requirements(written(tmp_path, "version: 1\nallow_waivers: false\n")).allow_waivers == frozenset()


@pytest.mark.parametrize(
    ("text", "where", "said"),
    [
        ("version: 1\nstagee: staging\n", ":2:9", "stagee"),
        ("version: 1\nstage: review\n", ":2:8", "not one of staging, production"),
        ("version: 1\nstage: staging\nstage: production\n", ":3:1", "stands twice"),
        ("version: 2\n", ":1:10", "1"),
        ("version: 1\nprofiles: []\n", ":2:11", ""),
        ("version: 1\ncontext: ABAB\n", ":2:10", ""),
        ("version: 1\nmax_age_hours: 0\n", ":2:16", ""),
        ('version: 1\ngate_keys: ["ssh-rsa AAAA"]\n', ":2:13", "public key cannot be read"),
        ('version: 1\ngate_keys: ["-----BEGIN PRIVATE KEY-----"]\n', ":2:13", "private key"),
    ],
)
def test_what_is_wrong_is_named_with_its_place(tmp_path: Path, text: str, where: str, said: str) -> None:
    with pytest.raises(UsageError) as caught:
        read_requirements(written(tmp_path, text))
    assert f"requirements.yaml{where}" in str(caught.value)
    assert said in str(caught.value)


def test_a_key_of_another_type_is_refused_with_its_place(tmp_path: Path) -> None:
    line = openssh(signing_key("gate", 0).public_key)
    with pytest.raises(UsageError, match="another type") as caught:
        read_requirements(written(tmp_path, f'version: 1\ngate_keys: ["{line}"]\n'))
    assert caught.value.where.endswith("requirements.yaml:2:13")


def test_what_does_not_fit_says_where_the_fields_are_shown(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        read_requirements(written(tmp_path, "version: 3\n"))
    assert "examples/deploy/requirements.yaml" in caught.value.mend
