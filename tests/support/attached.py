# SPDX-License-Identifier: Apache-2.0
"""A card with an attached document, and the codes of what is wrong with that."""

from __future__ import annotations

import hashlib
import ipaddress
from pathlib import Path
from typing import Any

from qaqpa.escape import visible
from qaqpa.evidence.documents import check_documents
from qaqpa.evidence.kinds import kind

BYTES = b"%PDF-1.7 an audit\n"
SHA256 = hashlib.sha256(BYTES).hexdigest()
LOOPBACK = ipaddress.ip_network("127.0.0.1/32")


def card(uri: str, sha256: str = SHA256) -> dict[str, Any]:
    """A model card that names one document."""
    return {"kind": "model_card", "document": {"uri": uri, "sha256": sha256}}


def codes(uri: str, base: Path | None = None, sha256: str = SHA256, **more: Any) -> list[str]:
    """What is wrong with the document of a card, as codes; `more` is for `check_documents`."""
    found = check_documents(kind("model_card"), card(uri, sha256), "card.json", base=base, **more)
    assert all(one.kind == "model_card" and one.source == "card.json" for one in found)
    assert all(visible(one.detail, 10_000) == one.detail for one in found)
    return [one.code for one in found]
