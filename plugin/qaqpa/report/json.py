# SPDX-License-Identifier: Apache-2.0
"""The decision as JSON: the document as it is, with who evaluated which policies."""

from __future__ import annotations

import json

from qaqpa.model import Decision


def render(decision: Decision) -> str:
    """Indented JSON with sorted keys; every character outside ASCII is escaped, so that no terminal is harmed."""
    report = {
        "schema": "urn:qaqpa:schema:report:v1",
        "engine": decision.engine,
        "policy_digest": decision.policy_digest,
        "decision": decision.document,
    }
    return json.dumps(report, indent=2, sort_keys=True)
