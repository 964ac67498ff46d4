# SPDX-License-Identifier: Apache-2.0
"""Contents of evidence files that pass every control of `article-baseline`, without a single warning."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from support import further_contents
from support.further_contents import day as _day
from support.further_contents import document as _document

MODEL = "credit"
"""The registered model that all evidence here is about."""

COMMISSION = {
    "chair": "law",
    **{
        f"member-{discipline}": discipline
        for discipline in ("philosophy", "sociology", "political_science", "cultural_studies", "psychology", "arts")
    },
}
"""The members of the commission by party id, and the discipline of each."""

_PROTECTED = (
    *("sex", "nationality_or_ethnicity", "language", "age", "residence", "disability", "property_status"),
    *("origin", "social_status", "official_status", "race", "nationality", "religion", "beliefs"),
)
_CONSENT = (
    "operator_name_bin",
    "subject_name",
    "term",
    "third_party_transfer",
    "cross_border",
    "publication",
    "data_list",
)


def context(**changes: Any) -> dict[str, Any]:
    """A context of high risk in Kazakhstan and the EU. A change to None leaves the field out."""
    full = {
        "kind": "system",
        "system_id": "5" * 32,
        "version": 1,
        "title": "Credit scoring",
        "models": [{"name": MODEL}],
        "jurisdictions": ["KZ", "EU"],
        "domain": "credit_scoring",
        "automation": "human_in_the_loop",
        "kz_risk": "high",
        "kz_autonomy": "medium",
        "eu_class": "high_risk_annex_iii",
        "affects_rights": True,
        "significant_decision": True,
        "personal_data": True,
        "special_category": False,
        "interacts_with_persons": True,
        "synthetic_content": False,
        "trains_on_data": True,
        "scores_persons": True,
        "workplace_use": False,
        "claims_trusted_list": False,
        "public_sector": False,
    }
    return {name: value for name, value in {**full, **changes}.items() if value is not None}


def contents(now: datetime) -> dict[str, dict[str, Any]]:
    """The content of one file of each kind that `article-baseline` asks for, by kind; a month old at `now`."""
    found = {**_first(now), **further_contents.of_the_model(now), **further_contents.of_the_system(now)}
    return {kind: {"kind": kind, **content} for kind, content in found.items()}


def every_content(now: datetime) -> dict[str, dict[str, Any]]:
    """The content of one file of each kind that any profile asks for, by kind."""
    of_a_law = {kind: {"kind": kind, **content} for kind, content in further_contents.of_a_law(now).items()}
    return {**contents(now), **of_a_law}


def _first(now: datetime) -> dict[str, dict[str, Any]]:
    past, future = _day(now, -30), _day(now, 200)
    return {
        "audit": {
            "report": _document("audit"),
            "auditor": "Independent Audit LLP",
            "independent_of": ["developer", "operator"],
            "conflict_declarations": _document("declarations"),
            "scope": ["data_library_quality_lawfulness", "prohibited_functions"],
            "conclusion": "positive",
            "issued_on": past,
            "valid_until": future,
            "findings": [{"id": "1", "severity": "low", "status": "closed"}],
        },
        "bias": {"report": _document("bias"), "groups": _groups(), "tested_on": past},
        "classification": {
            "kz_risk": "high",
            "kz_autonomy": "medium",
            "kz_reason": "It decides about credit.",
            "eu_class": "high_risk_annex_iii",
            "annex_iii_point": "5(b)",
            "performs_profiling": True,
            "domain": "credit_scoring",
            "signed_by": "A. Risk",
            "signed_on": past,
        },
        "commission": _commission(past),
        "decision_flow": {
            "automation_level": "human_in_the_loop",
            "diagram": _document("flow"),
            "final_decider_role": "Credit officer",
            "human_step_enforced_by": "workflow",
            "auto_finalisation_possible": False,
        },
        "ethics_assessment": {
            "standard": {"id": "Standard", "version": "1", "adopted_on": _day(now, -400)},
            "assessment": _document("ethics"),
            "result": "conforms",
            "assessor": "B. Outside",
            "assessed_on": past,
        },
        "explanation": {
            "method": "shap",
            "scope": ["local", "global"],
            "samples": _document("letters"),
            "data_used_disclosed": True,
            "fidelity": {"metric": "r2", "value": 0.95},
            "comprehension": {"n": 40, "share_understood": 0.9},
            "languages": ["kk", "ru"],
            "request_channel": "office@example.org",
            "answer_days": 10,
            "request_register": True,
            "tested_on": past,
        },
        "legal_basis": _legal_basis(),
        "model_card": {
            "document": _document("card"),
            "intended_purpose": "Scores requests for consumer credit.",
            "out_of_scope_uses": ["Hiring"],
            "known_limitations": ["Few cases of persons below 21"],
            "performance": [{"metric": "auc", "value": 0.81}],
            "languages": ["kk", "ru"],
            "approved_by": "C. Owner",
            "approved_on": past,
        },
        "oversight": {
            "plan": _document("plan"),
            "persons": [
                {
                    "post": "Head of credit",
                    "deputy": "Deputy head of credit",
                    "authority": ["override", "stop"],
                    "trained_on": past,
                    "training_topics": ["automation_bias"],
                }
            ],
            "caseload_per_person_per_day": 20,
            "min_review_minutes": 10,
            "literacy_register": _document("literacy"),
        },
        "responsibility": _responsibility(past),
    }


def waiver(**changes: Any) -> dict[str, Any]:
    """A waiver of one control."""
    full = {
        "kind": "waiver",
        "controls": ["TRN-01"],
        "category": "waiver",
        "reason": "The card is being translated.",
        "ticket": "T-1",
        "requested_by": "owner",
    }
    return {**full, **changes}


def withdrawal(statement: str) -> dict[str, Any]:
    """The withdrawal of a statement, by the SHA-256 of its payload."""
    return {"kind": "withdrawal", "statement": statement, "reason": "It rests on wrong data."}


def override(**changes: Any) -> dict[str, Any]:
    """An override, the statement of two persons in an emergency."""
    full = {"kind": "override", "ticket": "INC-17", "reason": "The old model refuses everybody."}
    return {**full, **changes}


def override_review(statement: str, **changes: Any) -> dict[str, Any]:
    """The review of an override, which is named by the SHA-256 of its payload."""
    full = {"kind": "override_review", "statement": statement, "outcome": "justified", "learnt": "Keep the old audit."}
    return {**full, **changes}


def _groups() -> list[dict[str, Any]]:
    counts = {"positives": 500, "false_negatives": 50, "negatives": 500, "false_positives": 50}
    return [
        {"attribute": attribute, "group": group, "n": 1000, "selected": selected, **counts}
        for attribute in _PROTECTED
        for group, selected in (("one", 500), ("other", 490))
    ]


def _commission(day: str) -> dict[str, Any]:
    members = [
        {
            "id": person,
            "affiliation": "University",
            "employer_is_owner": False,
            "disciplines": [discipline, "domain_specialist"],
            "signed_on": day,
        }
        for person, discipline in COMMISSION.items()
    ]
    return {
        "order": _document("order"),
        "appointed_by": "The board",
        "country": "KZ",
        "members": members,
        "chair": "chair",
        "public_benefit": {"statement": "useful", "reasons": "Cheaper credit."},
        "dissents": [],
        "decided_on": day,
    }


def _legal_basis() -> dict[str, Any]:
    phases = ["training", "testing", "inference"]
    return {
        "phases": phases,
        "bases": [
            {"phase": phase, "jurisdiction": place, "basis": "consent"} for phase in phases for place in ("KZ", "EU")
        ],
        "consent": {
            "template": _document("consent"),
            "fields_present": list(_CONSENT),
            "proof_store": _document("proofs"),
            "withdrawal_working_days": 10,
        },
    }


def _responsibility(day: str) -> dict[str, Any]:
    roles = ("developer", "organisation", "user", "data_supplier")
    parties = [
        {
            "role": role,
            "legal_name": f"The {role}",
            "tasks": [{"task": f"task of the {role}", "accountable": True}],
            "liability": ["civil"],
        }
        for role in roles
    ]
    return {
        "matrix": _document("matrix"),
        "parties": parties,
        "contracts": [_document("contract")],
        "redress_contact": "claims@example.org",
        "insurance": _document("insurance"),
        "third_party_training_data": True,
        "state_body_role": "none",
        "state_body_reason": "A private lender.",
        "approved_on": day,
    }
