# SPDX-License-Identifier: Apache-2.0
"""Going back to what was allowed before: what a denial is looked up for in the decision log, and decided again.

Only a denial that could rest on what has merely ended is looked up, so an ordinary promotion costs nothing more.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from qaqpa.evidence.collect import ENDED
from qaqpa.gate import decide
from qaqpa.model import Decision, JsonObject, Request, Rollback, Stage, Verdict
from qaqpa.policy.bundle import Catalog
from qaqpa.policy.engine import Engine
from qaqpa.record.log.allowed import Promotion

_SERVED = frozenset({Stage.STAGING, Stage.PRODUCTION})


def decide_or_go_back(
    request_with: Callable[[Rollback | None], Request],
    look_up: Callable[[Promotion, datetime], Rollback | None],
    engine: Engine,
) -> tuple[Request, Decision]:
    """Decides, and where that is denied for what may merely have ended, again as a rollback if it is one.

    Args:
        request_with: the request, made with the earlier decision to which it goes back, or without one.
        look_up: the newest promotion of just this to which a model may go back, at a time.
        engine: who evaluates the policies.

    Raises:
        LogError: the decision log cannot be used.
    """
    request = request_with(None)
    decision = decide(request, engine)
    wanted = sought(request, decision, engine.catalog)
    rollback = look_up(wanted, request.now) if wanted else None
    if wanted is None or rollback is None:
        return request, decision
    again = request_with(rollback)
    if again.context_digest != wanted.context:
        # It changed meanwhile.
        return request, decision
    return again, decide(again, engine)


def back_to(decision: Decision | None) -> int | None:
    """The row of the earlier decision to which one goes back; None for one that is no rollback."""
    back = decision.document.get("rollback") if decision else None
    return int(back["decision"]) if back else None


def sought(request: Request, decision: Decision, catalog: Catalog) -> Promotion | None:
    """What is to be looked up for a decision; None where it would not help."""
    digest, context = request.subject.digest, request.standing_context
    if decision.verdict is not Verdict.DENY or request.problems or request.stage not in _SERVED or request.as_of:
        return None
    if not digest or not context or not _may_have_ended(decision, catalog):
        return None
    return Promotion(digest, request.stage.value, context)


def _may_have_ended(decision: Decision, catalog: Catalog) -> bool:
    """True where evidence was refused for its end, or a requirement is not met because it is too old."""
    if any(refusal["code"] in ENDED for refusal in decision.document["rejected"]):
        return True
    return any(_expires(finding, catalog) for finding in decision.findings if finding["status"] == "fail")


def _expires(finding: JsonObject, catalog: Catalog) -> bool:
    codes = catalog.controls.get(finding["control"], {}).get("expires", ())
    return any(violation["code"] in codes for violation in finding["violations"])
