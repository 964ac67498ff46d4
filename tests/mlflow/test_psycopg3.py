# SPDX-License-Identifier: Apache-2.0
"""PostgreSQL through psycopg 3, which takes no text where a number is compared."""

from __future__ import annotations

import pytest

from support.registry import Registry, refusal

pytestmark = pytest.mark.server


def test_the_veto_holds(psycopg_registry: Registry) -> None:
    version = psycopg_registry.registered()
    refusal(lambda: psycopg_registry.client.set_registered_model_alias(version.name, "champion", version.number))
    assert psycopg_registry.aliases(version.name) == {}
    assert psycopg_registry.set_alias(version, "challenger").ok


def test_a_transition_can_archive_other_versions(psycopg_registry: Registry) -> None:
    first = psycopg_registry.registered()
    second = psycopg_registry.added(first.name)
    for version in (first, second):
        psycopg_registry.client.transition_model_version_stage(
            version.name, version.number, "Staging", archive_existing_versions=True
        )
    assert psycopg_registry.stage(first) == "Archived"
    assert psycopg_registry.stage(second) == "Staging"


def test_with_full_evidence_it_passes(psycopg_registry: Registry) -> None:
    version = psycopg_registry.registered(evidence=True)
    psycopg_registry.client.transition_model_version_stage(
        version.name, version.number, "Production", archive_existing_versions=True
    )
    assert psycopg_registry.stage(version) == "Production"
