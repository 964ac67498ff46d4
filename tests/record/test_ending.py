# SPDX-License-Identifier: Apache-2.0
"""When a verdict ends: the first moment at which the gate would not allow any more, by what is known today."""

from __future__ import annotations

import copy
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from qaqpa.documents import parse_yaml
from qaqpa.errors import UndecidedError
from qaqpa.evidence.parties import parse_parties
from qaqpa.model import PartiesInForce, Verdict
from qaqpa.policy.embedded import EmbeddedEngine
from qaqpa.record import ending as module
from qaqpa.record.ending import ending
from support.contents import contents, waiver
from support.engine import FakeEngine
from support.keyring import key_entry, organisation, person, to_yaml
from support.statements import NOW, Known, carried, everything, request
from support.verdicts import Judgement, judged

DAY = timedelta(days=1)


def end(judgement: Judgement, days: int = 30) -> tuple[datetime, str]:
    assert judgement.decision.verdict is Verdict.ALLOW, judgement.decision.document
    found = ending(judgement.decision, judgement.request, judgement.engine, days)
    return found.moment, found.because


def instead(kind: str, *pieces: Any) -> list[Any]:
    return [*(piece for piece in everything() if piece.kind != kind), *pieces]


def by_parties(engine: EmbeddedEngine, value: dict[str, Any]) -> Judgement:
    parties = parse_parties(parse_yaml(to_yaml(value), "parties.yaml"))
    return judged(engine, asked=request(everything(), trust=Known(parties)))


def test_it_ends_with_the_configured_span(engine: EmbeddedEngine) -> None:
    assert end(judged(engine), 20) == (NOW + 20 * DAY, "span")
    assert end(judged(engine), 1) == (NOW + DAY, "span")


def test_it_ends_with_the_parties_file(engine: EmbeddedEngine) -> None:
    found = judged(engine)
    asked = replace(found.request, parties=PartiesInForce("ab" * 32, 1, NOW + 5 * DAY))
    assert end(replace(found, request=asked)) == (NOW + 5 * DAY, "parties")


def test_it_ends_with_the_first_evidence(engine: EmbeddedEngine) -> None:
    soon = carried(contents(NOW)["audit"], expires_at=NOW + 3 * DAY)
    assert end(judged(engine, instead("audit", soon))) == (NOW + 3 * DAY, "evidence:audit")


def test_it_ends_with_the_age_that_the_parties_file_allows(engine: EmbeddedEngine) -> None:
    value = organisation(NOW)
    value["rules"]["bias"]["max_age_days"] = 8
    assert end(by_parties(engine, value)) == (NOW + 7 * DAY, "evidence:bias")


def test_it_ends_with_a_key_that_signed(engine: EmbeddedEngine) -> None:
    value = organisation(NOW)
    ends = {"valid_until": (NOW + 4 * DAY).strftime("%Y-%m-%dT%H:%M:%SZ")}
    person(value, "auditor")["keys"] = [key_entry(NOW, "auditor", **ends)]
    assert end(by_parties(engine, value))[0] == NOW + 4 * DAY
    revoked = {"revoked": {"at": (NOW + 2 * DAY).strftime("%Y-%m-%dT%H:%M:%SZ"), "reason": "left"}}
    person(value, "auditor")["keys"] = [key_entry(NOW, "auditor", **revoked)]
    assert end(by_parties(engine, value))[0] == NOW + 2 * DAY


def test_it_ends_with_a_waiver(engine: EmbeddedEngine) -> None:
    granted = carried(waiver(), expires_at=NOW + 6 * DAY)
    missing = {"TRN-01": "model_card", "TRN-02": "explanation", "AUD-01": "audit"}[waiver()["controls"][0]]
    moment, because = end(judged(engine, instead(missing, granted)))
    assert moment == NOW + 6 * DAY
    assert because in {"evidence:waiver", f"waiver:{waiver()['controls'][0]}"}


def test_it_ends_on_the_day_on_which_a_duty_denies(engine: EmbeddedEngine) -> None:
    found = judged(engine)
    document = copy.deepcopy(dict(found.decision.document))
    seconds = int((NOW + 2 * DAY).timestamp())
    document["findings"][3]["denies_from"] = [{"text": "2026-11-25", "seconds": seconds}]
    control = document["findings"][3]["control"]
    warned = replace(found, decision=replace(found.decision, document=document))
    assert end(warned) == (NOW + 2 * DAY, f"duty:{control}")


def test_it_ends_when_the_content_of_evidence_is_too_old(engine: EmbeddedEngine) -> None:
    """The audit says of itself how long it is valid; no record of the evidence knows that."""
    last = (NOW + 10 * DAY).date().isoformat()
    short = carried({**contents(NOW)["audit"], "valid_until": last})
    moment, because = end(judged(engine, instead("audit", short)))
    assert because == "age"
    assert NOW + 10 * DAY <= moment <= NOW + 11 * DAY
    again = request(instead("audit", short), now=moment)
    assert judged(engine, asked=again).decision.verdict is Verdict.DENY
    before = request(instead("audit", short), now=moment - timedelta(seconds=1))
    assert judged(engine, asked=before).decision.verdict is Verdict.ALLOW


def test_evidence_that_only_speaks_against_the_model_ends_nothing(engine: EmbeddedEngine) -> None:
    found = judged(engine)
    heard = [
        replace(fact, against_only=True, counts_until=NOW + DAY) if fact.kind == "audit" else fact
        for fact in found.request.evidence
    ]
    asked = replace(found.request, evidence=heard)
    known = {one.because for one in module._known(found.decision, asked, 30)}
    assert "evidence:bias" in known
    assert "evidence:audit" not in known


def test_a_later_day_without_an_answer_is_no_end(engine: EmbeddedEngine) -> None:
    def silent(document: dict[str, Any]) -> object:
        return None if document["now"]["text"].startswith("2026-11-23") else {}

    fake = FakeEngine(engine, silent)
    with pytest.raises(UndecidedError, match="2026-11-24"):
        end(judged(fake))
