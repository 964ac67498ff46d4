# SPDX-License-Identifier: Apache-2.0
"""Contents of evidence files of the kinds that `support.contents` leaves: about data, safety, notices, impact."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

NOTICE = ["fact_of_automation", "consequences", "how_to_object", "how_to_protect_rights", "deadlines"]
THREATS = [
    "data_poisoning",
    "model_poisoning",
    "adversarial_examples",
    "confidentiality_attacks",
    "model_flaws",
]
LOGGED = [
    "model_version",
    "input_ref",
    "output",
    "explanation_ref",
    "human_actor",
    "human_action",
    "timestamp",
]
SIGNALS = ["drift", "error_rate", "complaints", "override_rate"]
_HASH = {"training": "a" * 64, "holdout": "b" * 64}


def document(name: str) -> dict[str, str]:
    """A document kept elsewhere."""
    return {"uri": f"https://example.org/{name}.pdf", "sha256": "e" * 64}


def day(now: datetime, offset: int) -> str:
    """The date so many days after `now`."""
    return (now + timedelta(days=offset)).date().isoformat()


def of_the_model(now: datetime) -> dict[str, dict[str, Any]]:
    """What is about the model's bytes: datasheets, evaluation, and who approved the release."""
    past = day(now, -20)
    return {
        "datasheets": {
            "datasheet": document("datasheets"),
            "recorded_on": past,
            "trained_on": [{"id": "applications", "sha256": _HASH["training"]}],
            "datasets": [
                {
                    "id": "applications",
                    "sha256": _HASH["training"],
                    "producer": "The bank",
                    "producer_machine_readable": True,
                    "origin": "Applications of the years before.",
                    "licence_or_basis": "consent",
                    "collected_from": day(now, -700),
                    "collected_to": day(now, -100),
                    "completeness": 0.99,
                    "label_quality": {"metric": "agreement of two readers", "value": 0.97},
                    "population": "Applicants for consumer credit.",
                    "under_represented_groups": ["persons below 21"],
                    "known_biases": ["Only those who applied are there."],
                    "mitigation": "Weights by age.",
                    "tdm_opt_out_checked": True,
                }
            ],
        },
        "evaluation": {
            "report": document("evaluation"),
            "metrics": [
                {
                    "name": "auc",
                    "value": 0.81,
                    "threshold": 0.75,
                    "direction": "higher_is_better",
                    "declared_on": day(now, -60),
                }
            ],
            "holdout_sha256": _HASH["holdout"],
            "training_sha256": [_HASH["training"]],
            "stress_tests": [{"name": "missing income", "result": "passed"}],
            "expert_baseline": {"metric": "auc", "value": 0.7},
            "tested_on": past,
        },
        "release_approval": {
            "approvers": [
                {"approver": "approver", "post": "Head of retail credit", "function": "business_owner"},
                {"approver": "compliance", "post": "Head of compliance", "function": "compliance"},
            ],
            "purpose": "Scores requests for consumer credit.",
            "authors": ["trainer"],
            "signed_on": day(now, -1),
        },
    }


def of_the_system(now: datetime) -> dict[str, dict[str, Any]]:
    """What is about the system, and is asked for by `article-baseline`."""
    past = day(now, -30)
    return {
        "contest": {
            "channels": [{"type": "web", "address": "https://example.org/object"}],
            "notice": document("notice-of-objection"),
            "notice_languages": ["kk", "ru"],
            "notice_contains": NOTICE,
            "appeal_body": "The court",
            "non_ai_route": True,
            "accessible_for_disabled": True,
        },
        "human_review": {
            "procedure": document("review"),
            "reviewer_posts": ["Member of the review board"],
            "can_change_decision": True,
            "independent_of_first_decision": True,
            "answer_working_days": 3,
            "answer_days": 5,
            "register_kept": True,
            "dry_run": {"on": past, "report": document("dry-run")},
        },
        "intervention": {
            "override_supported": True,
            "stop_supported": True,
            "fallback_procedure": document("fallback"),
            "drill": {"on": past, "result": "pass", "minutes_to_stop": 10},
            "rollback_to": "6",
        },
        "logging": {
            "enabled": True,
            "fields": LOGGED,
            "retention_days": 400,
            "limitation_days": 365,
            "tamper_evident": True,
            "access_roles": ["auditor"],
            "sample": document("log"),
        },
        "monitoring": {
            "plan": document("monitoring"),
            "approved_on": past,
            "signals": SIGNALS,
            "suspension_triggers": ["AUC below 0.70"],
            "runbook": document("incidents"),
            "contacts": ["duty@example.org"],
            "kz_breach_working_days": 1,
            "eu_breach_hours": 72,
            "eu_incident_days": {"serious": 15, "death": 10, "widespread": 2},
        },
        "notice": {
            "notice": document("notice"),
            "shown_at": "before_use",
            "placements": ["application form"],
            "languages": ["kk", "ru"],
            "covers": ["ai_used", "procedure", "consequences", "objection", "protection_of_rights"],
            "workers_informed_on": past,
        },
        "rights_assessment": {
            "assessment": document("rights"),
            "method": "UNESCO ethical impact assessment",
            "rights_considered": ["equality", "privacy", "effective_remedy"],
            "affected_groups": ["applicants"],
            "consultation": {"done": True, "summary": document("consultation")},
            "conclusion": "proceed",
            "conditions": [],
            "completed_on": past,
        },
        "risk_file": {
            "register": document("risks"),
            "items": [
                {
                    "id": "R-1",
                    "description": "Used for prices, for which it was not made.",
                    "affected": "Applicants",
                    "likelihood": "low",
                    "impact": "medium",
                    "misuse": True,
                    "treatment": "Access by role.",
                    "residual": "low",
                    "owner": "Head of risk",
                    "status": "treated",
                }
            ],
            "residual_accepted_by": "Head of risk",
            "last_review": past,
        },
        "security": {
            "assessment": document("security"),
            "assessed_on": past,
            "open_vulnerabilities": {"critical": 0, "high": 0},
            "threats_covered": THREATS,
            "sbom": document("sbom"),
            "artifact_signed": True,
            "critical_object": False,
            "state_resource": False,
        },
    }


def of_a_law(now: datetime) -> dict[str, dict[str, Any]]:
    """What only profiles of a law ask for."""
    past = day(now, -30)
    return {
        "automated_decision": {
            "kz_ground": "consent",
            "eu_ground": "explicit_consent",
            "person_can_change_result": True,
            "safeguards": ["human_intervention", "express_view", "contest"],
            "uses_special_category": False,
            "eu_special_condition": "none",
        },
        "content_label": {
            "media": [
                {
                    "medium": "text",
                    "machine_readable": {
                        "standard": "C2PA",
                        "field": "assertions",
                        "sample": document("marked"),
                        "verified_by_tool": True,
                    },
                    "warning": {"text": "Made by AI", "placement": "first line", "sample": document("warned")},
                }
            ],
            "detector": "https://example.org/detector",
            "on_market_before_duty": False,
        },
        "data_location": {
            "countries": ["KZ"],
            "external_apis": [],
            "kz_storage_country": "KZ",
            "kz_ground": "consent",
            "eu_mechanism": "standard_clauses",
            "transfer_log": True,
            "restricted_data": False,
            "kz_local_system": False,
        },
        "dpia": {
            "assessment": document("dpia"),
            "completed_on": past,
            "first_used_on": day(now, -10),
            "sections": ["description", "necessity_proportionality", "risks", "measures"],
            "dpo_opinion": "favourable",
            "residual_risk": "low",
        },
        "eu_conformity": {
            "role": "provider",
            "qms": document("qms"),
            "conformity_procedure": "annex_vi",
            "declaration": document("declaration"),
            "ce_marking": True,
            "database_registration_id": "EU-1",
        },
        "eu_screen": {
            "items": [
                {"point": point, "answer": "no"} for point in ("a", "b", "ba", "bb", "c", "d", "e", "f", "g", "h")
            ],
            "screened_by": "L. Lawyer",
            "screened_on": past,
        },
        "fria": {
            "assessment": document("fria"),
            "elements": ["processes", "period_frequency", "affected_persons", "risks", "oversight", "measures"],
            "dpia": document("dpia"),
            "completed_on": past,
            "notified_on": past,
            "authority": "Market surveillance authority",
        },
        "kz_screen": {
            "items": [
                {"item": 1, "answer": "no"},
                {"item": 2, "answer": "no"},
                {"item": 3, "answer": "exception", "law_ref": "a law that the lawyer names"},
                *({"item": number, "answer": "no"} for number in range(4, 8)),
            ],
            "high_autonomy": False,
            "screened_by": "L. Lawyer",
            "screened_on": past,
        },
        "processing_record": {
            "purposes": ["Decisions on consumer credit"],
            "features": [{"feature": "income", "purpose": "ability to pay", "justification": "Tested without it."}],
            "retention": [{"data_set": "applications", "delete_by": day(now, 400)}],
            "list_approval": document("list"),
            "policy": document("policy"),
            "responsible_person": {"post": "Data-protection officer", "contact": "dpo@example.org"},
            "register_entry": "R-17",
            "kz_operator_class": "large",
            "kz_notification": "filed",
        },
        "special_data": {
            "categories": [
                {"category": "health", "kz_condition": "consent", "eu_condition": "explicit_consent"},
            ],
            "used_in_decisions": False,
            "used_for_bias_testing": False,
            "access_roles": ["risk"],
            "encrypted": True,
            "public_place_biometrics": False,
        },
        "technical_documentation": {
            "index": document("index"),
            "sections": [
                {"code": code, "document": document(code), "updated_on": past}
                for code in ("system", "risk", "data", "ethics", *(f"annex_iv_{number}" for number in range(1, 10)))
            ],
            "retention_years": 10,
            "retention_until": day(now, 4000),
        },
        "user_agreement": {
            "agreement": document("agreement"),
            "shown_before_use": True,
            "contains": [
                "conditions",
                "purpose",
                "limits",
                "explanation_procedure",
                "data_information_procedure",
                "support",
            ],
            "support_contact": "help@example.org",
            "languages": ["kk", "ru"],
        },
    }
