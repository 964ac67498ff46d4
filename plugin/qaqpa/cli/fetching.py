# SPDX-License-Identifier: Apache-2.0
"""Takes out of a request the evidence whose documents are not what was signed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from qaqpa.evidence.documents import check_documents
from qaqpa.evidence.fetch import Fetcher
from qaqpa.evidence.kinds import SYSTEM, kind
from qaqpa.model import Rejection, Request


def without_unsound(request: Request, base: Path | None, fetch: Callable[[str], str] | None = None) -> Request:
    """The request without the kinds of evidence of which a document is missing, or other than was signed.

    All of such a kind goes. Were only the one statement refused, then whoever can take a failed audit's report away
    could leave the good one to decide. Who is recorded as trainer, owner or deployer was read before, and stays.

    Args:
        request: what the gate is to be asked.
        base: the directory below which relative paths lie; None where there is none.
        fetch: as `qaqpa.evidence.documents.check_documents` takes it.
    """
    ask = fetch or Fetcher()
    refused: list[Rejection] = []
    for fact in request.evidence:
        refused += check_documents(kind(fact.kind), fact.predicate, fact.source, base=base, fetch=ask)
    unsound = {rejection.kind: rejection for rejection in refused}
    sources = {(rejection.kind, rejection.source) for rejection in refused}
    for fact in request.evidence:
        if fact.kind in unsound and (fact.kind, fact.source) not in sources:
            detail = (
                "Another statement of this kind names a document that is not as it was signed, and the worst counts."
            )
            refused.append(Rejection(unsound[fact.kind].code, fact.kind, fact.source, detail))
    rejected = sorted([*request.rejected, *refused], key=lambda one: (one.kind, one.code, one.source))
    kept = tuple(fact for fact in request.evidence if fact.kind not in unsound)
    without = replace(request, evidence=kept, rejected=rejected)
    return replace(without, context=None, context_digest=None) if SYSTEM in unsound else without
