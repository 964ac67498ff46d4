# SPDX-License-Identifier: Apache-2.0
"""How evidence travels: registry tags on a server, files in a directory. A carrier is never believed, only read."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from qaqpa.evidence.kinds import Kind

TAG_PREFIX = "qaqpa.evidence."
"""Registry tags with this prefix carry evidence: `qaqpa.evidence.<kind>.<first digits of the payload's SHA-256>`."""

MAX_CARRIED = 500
"""Most pieces of evidence that are read for one decision."""

_DIGITS = 16
_TAG = "tag "


@dataclass(frozen=True)
class Carried:
    """Something that claims to be evidence.

    `source` is the tag or file it came from, `kind` what the carrier calls it (empty where it does not say). A draft is
    a file that somebody wrote by hand and did not attest yet; `text` is then its content as JSON.
    """

    source: str
    text: str
    kind: str = ""
    draft: bool = False

    @property
    def tag(self) -> str:
        """The registry tag that carries it; empty for a file."""
        return self.source.removeprefix(_TAG) if self.source.startswith(_TAG) else ""


def tag_key(kind: Kind, payload: bytes) -> str:
    """The tag that carries a statement."""
    return f"{TAG_PREFIX}{kind.name}.{hashlib.sha256(payload).hexdigest()[:_DIGITS]}"


def carried_in_tags(tags: Mapping[str, str]) -> list[Carried]:
    """What the tags of a registered model or of a version carry, sorted by tag."""
    found = []
    for key in sorted(tags):
        if key.startswith(TAG_PREFIX):
            kind = key.removeprefix(TAG_PREFIX).rpartition(".")[0]
            found.append(Carried(source=f"{_TAG}{key}", text=tags[key], kind=kind))
    return found
