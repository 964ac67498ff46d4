# SPDX-License-Identifier: Apache-2.0
"""What reports say of overrides that are there. They decide nothing: only a server lets through by one, and logs it."""

from __future__ import annotations

from qaqpa import times
from qaqpa.evidence.kinds import OVERRIDE
from qaqpa.model import Request
from qaqpa.report.judged import Note

_SHORT_ID = 16  # as much as the tag of a statement has of it


def overrides_noted(request: Request) -> tuple[Note, ...]:
    """A note for each override that counts; those that do not stand with the evidence that was refused."""
    return tuple(
        Note(
            "note.override_counts",
            {
                "statement": fact.id[:_SHORT_ID],
                "ticket": fact.predicate["ticket"],
                "signers": [signer.id for signer in fact.signers],
                "until": times.render(fact.expires_at) if fact.expires_at else "",
            },
        )
        for fact in request.aside
        if fact.kind == OVERRIDE
    )
