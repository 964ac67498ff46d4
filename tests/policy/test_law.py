# SPDX-License-Identifier: Apache-2.0
"""What the profiles rest on, and when duties begin. The expectations are those of the legal research, written out."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from qaqpa.gate import decide
from qaqpa.model import Decision
from qaqpa.policy.calendar import seconds_of
from qaqpa.policy.embedded import EmbeddedEngine
from qaqpa.policy.severity import Circumstances, Severity
from qaqpa.report.strings import LANGUAGES
from qaqpa.resources import POLICIES
from support.contents import context
from support.statements import carried, request

PROFILES = ("article-baseline", "kz", "gdpr", "eu-ai-act-high-risk", "unesco")
STRENGTHS = {"D": "direct", "S": "statutory", "d": "derived", "r": "recommended"}
# For each control how firmly it rests on the law of each profile, in the order above; - where it is not asked.
BASES = {
    "TRN-01": "DS-Sr",
    "TRN-02": "DSSSr",
    "AUD-01": "Dr--r",
    "AUD-02": "D---r",
    "AUD-03": "Dr--r",
    "HOV-01": "Ddddr",
    "HOV-02": "dd-Sr",
    "HOV-03": "dd-S-",
    "ACC-01": "Dd-dr",
    "ACC-02": "dd-d-",
    "DPB-01": "dSS-r",
    "DPB-02": "-SSS-",
    "DPB-03": "-SS--",
    "DPB-04": "-SS--",
    "DPB-05": "-SS--",
    "NDQ-01": "dS-Sr",
    "NDQ-02": "dd-dr",
    "CON-01": "dSS-r",
    "CON-02": "dSS-r",
    "SRS-01": "dS-Sr",
    "SRS-02": "dd-S-",
    "SRS-03": "dSSS-",
    "SRS-04": "ddSSr",
    "DOC-01": "dSdSr",
    "DOC-02": "-S-S-",
    "DOC-03": "dd-Sr",
    "DOC-04": "---S-",
    "NOT-01": "dSSSr",
    "NOT-02": "-S-S-",
    "NOT-03": "-S---",
    "PRO-01": "-S---",
    "PRO-02": "---S-",
    "IMP-01": "-rS--",
    "IMP-02": "---S-",
    "IMP-03": "d---r",
}
DAY = timedelta(days=1)
ANNEX_III = datetime(2027, 12, 2, tzinfo=timezone.utc)
ANNEX_I = datetime(2028, 8, 2, tzinfo=timezone.utc)
NEW_PROHIBITIONS = datetime(2026, 12, 2, tzinfo=timezone.utc)


def test_there_are_thirty_five_controls_in_twelve_families_and_five_profiles(engine: EmbeddedEngine) -> None:
    assert set(engine.catalog.controls) == set(BASES)
    assert len(BASES) == 35
    assert len({card["family"] for card in engine.catalog.controls.values()}) == 12
    assert set(engine.catalog.profiles) == set(PROFILES)


@pytest.mark.parametrize("number", range(len(PROFILES)), ids=PROFILES)
def test_each_profile_rests_on_what_was_found(engine: EmbeddedEngine, number: int) -> None:
    asked = {name: row[number] for name, row in BASES.items() if row[number] != "-"}
    demands = engine.catalog.profiles[PROFILES[number]]["controls"]
    assert {name: demand["basis"] for name, demand in demands.items()} == {
        name: STRENGTHS[letter] for name, letter in asked.items()
    }


def test_the_article_states_seven_demands_and_sixteen_controls_are_derived(engine: EmbeddedEngine) -> None:
    letters = [row[0] for row in BASES.values()]
    assert (letters.count("D"), letters.count("d")) == (7, 16)
    said = {language: engine.catalog.profiles["article-baseline"]["texts"][language] for language in LANGUAGES}
    assert "seven" in said["en"]["description"].lower()
    assert "sixteen" in said["en"]["description"]
    assert "он алтысын" in said["kk"]["description"]
    assert "шестнадцать" in said["ru"]["description"]


def test_only_what_was_read_at_its_source_is_verified(engine: EmbeddedEngine) -> None:
    for act in engine.catalog.law.values():
        for provision in act["provisions"].values():
            assert provision["verified"] == (provision["verification"] in {"primary", "official"})
    eu = engine.catalog.law["eu-ai-act"]["provisions"]
    assert {name for name, provision in eu.items() if provision["verified"]} == {"annex-iii-8", "art-86"}


def test_no_rule_names_an_act(engine: EmbeddedEngine) -> None:
    acts = engine.catalog.law.values()
    names = {text for act in acts for texts in act["texts"].values() for text in texts.values()}
    names |= {act["number"] for act in acts if "number" in act}
    names |= {"GDPR", "AI Act", "Digital Code", "Constitution", "UNESCO", "Criminal Code"}
    article = re.compile(r"\b(?:Art\.|Arts\.|Article|Annex) ?[0-9IVX]+\b")
    for path in POLICIES.rglob("*.rego"):
        text = path.read_text("utf-8")
        assert [name for name in names if name.lower() in text.lower()] == [], path
        assert not article.search(text), path


def judged(engine: EmbeddedEngine, moment: datetime, profiles: tuple[str, ...], **changes: Any) -> Decision:
    """What is decided at a moment about a system of which only the context is known."""
    system = carried(context(**changes), issued_at=moment - DAY)
    return decide(request([system], now=moment, profiles=profiles), engine)


def denying(decision: Decision) -> set[str]:
    return {finding["control"] for finding in decision.findings if finding["status"] == "fail"}


def test_the_eu_denies_from_the_day_on_which_its_duties_begin(engine: EmbeddedEngine) -> None:
    """Without evidence: from 2 December 2027 for Annex III, from 2 August 2028 for Annex I."""
    eu = ("eu-ai-act-high-risk",)
    before, after = (judged(engine, ANNEX_III + offset, eu, synthetic_content=True) for offset in (-DAY, DAY))
    already = {"NOT-01", "NOT-02", "PRO-02"}
    assert denying(before) == already
    statutory = {name for name, row in BASES.items() if row[3] == "S"}
    assert denying(after) == statutory - {"DPB-02"}
    days = {day["text"] for finding in before.findings for day in finding["denies_from"]}
    assert days == {"2027-12-02"}
    first, second = (
        judged(engine, ANNEX_I + offset, eu, synthetic_content=True, eu_class="high_risk_annex_i")
        for offset in (-DAY, DAY)
    )
    assert denying(first) == already
    assert denying(second) == statutory - {"DPB-02", "IMP-02"}
    assert {day["text"] for finding in first.findings for day in finding["denies_from"]} == {"2028-08-02"}


def test_new_prohibitions_deny_from_their_day_on(engine: EmbeddedEngine) -> None:
    screen = {
        "kind": "eu_screen",
        "items": [{"point": point, "answer": "no"} for point in "abcdefgh"],
        "screened_by": "L. Lawyer",
        "screened_on": "2026-11-01",
    }
    answers = []
    for moment in (NEW_PROHIBITIONS - DAY, NEW_PROHIBITIONS):
        issued = moment - DAY
        pieces = [carried(context(), issued_at=issued), carried(screen, issued_at=issued)]
        decision = decide(request(pieces, now=moment, profiles=["eu-ai-act-high-risk"]), engine)
        answers.append(next(finding for finding in decision.findings if finding["control"] == "PRO-02"))
    before, after = answers
    assert (before["status"], [day["text"] for day in before["denies_from"]]) == ("warn", ["2026-12-02"])
    assert {violation["code"] for violation in before["violations"]} == {"ba_bb_missing"}
    assert (after["status"], after["denies_from"]) == ("fail", [])


def test_kazakhstan_denies_from_the_day_on_which_its_law_on_ai_came_into_force(engine: EmbeddedEngine) -> None:
    day = datetime(2026, 1, 18, tzinfo=timezone.utc)
    before, after = (judged(engine, day + offset, ("kz",)) for offset in (-DAY, timedelta(0)))
    begun = denying(after) - denying(before)
    assert {"SRS-01", "NOT-01", "PRO-01"} <= begun
    assert not denying(before) - denying(after)


def test_what_is_law_in_one_profile_only_is_our_default_in_another(engine: EmbeddedEngine) -> None:
    basis = {name: engine.catalog.controls[name]["thresholds"] for name in ("SRS-01", "DOC-03")}
    assert basis["SRS-01"]["max_age_days"]["basis"] == {"kz": "law"}
    assert {"eu-ai-act-high-risk": "law"} in [threshold["basis"] for threshold in basis["DOC-03"].values()]


@pytest.mark.parametrize(
    ("moment", "act"),
    [("2026-06-30", "kz-constitution-1995"), ("2026-07-01", "kz-constitution-2026")],
)
def test_the_constitution_in_force_is_the_one_that_counts(engine: EmbeddedEngine, moment: str, act: str) -> None:
    at = Severity(engine.catalog, Circumstances(seconds_of(moment), {}))
    named = {
        link["act"]
        for control in engine.catalog.controls
        for profile in engine.catalog.profiles
        for link in at.covering(control, "evidence_missing", profile)
        if link["act"].startswith("kz-constitution")
    }
    assert named <= {act}
