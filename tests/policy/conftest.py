# SPDX-License-Identifier: Apache-2.0
"""A request, and a decision that follows from it."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from support.judged import NOW, fact, finding, waiver


@pytest.fixture
def request_document() -> dict[str, Any]:
    return {
        "now": NOW,
        "as_of": False,
        "stage": "production",
        "profiles": ["now", "later"],
        "settings": {
            "minimum_strength": "declared",
            "thresholds": {},
            "raised": [],
            "separation_of_duties": "when_known",
        },
        "actor": "ann",
        "subject": {"name": "credit", "version": "1", "digest": "ab", "trained_at": None},
        "context": {"affects_rights": False, "title": None},
        "context_digest": "cd",
        "evidence": {"audit": [fact("f1")], "system": [fact("s1")], "waiver": [waiver("AAA-09")]},
        "rejected": [{"code": "c", "kind": "audit", "source": "s", "detail": "d"}],
        "problems": [],
    }


@pytest.fixture
def document(request_document: dict[str, Any]) -> dict[str, Any]:
    return {
        "schema": "urn:qaqpa:schema:decision:v1",
        "verdict": "allow",
        "stage": "production",
        "now": NOW,
        "as_of": False,
        "actor": "ann",
        "subject": {"name": "credit", "version": "1", "digest": "ab"},
        "context_digest": "cd",
        "profiles": ["later", "now"],
        "settings": copy.deepcopy(request_document["settings"]),
        "findings": [finding("AAA-01", "now"), finding("AAA-02", "now"), finding("AAA-03", "later")],
        "problems": [],
        "rejected": copy.deepcopy(request_document["rejected"]),
    }
