# SPDX-License-Identifier: Apache-2.0
"""The codes of refusals and problems. They are stable: programs read them, and each has its text."""

from __future__ import annotations

from collections.abc import Iterable

from qaqpa.model import JsonObject

REJECTION_CODES = (
    "too_large",
    "malformed",
    "payload_type",
    "unknown_kind",
    "schema_violated",
    "two_subjects",
    "digest_mismatch",
    "kind_mismatch",
    "draft",
    "no_parties",
    "untrusted_signature",
    "other_model",
    "other_context",
    "context_missing",
    "context_unsigned",
    "other_stage",
    "withdrawn",
    "dated_in_future",
    "expired",
    "waiver_without_end",
    "waiver_too_long",
    "override_without_end",
    "override_too_long",
    "no_rule",
    "expired_by_rule",
    "wrong_role",
    "wrong_discipline",
    "key_compromised",
    "key_not_valid_then",
    "key_revoked",
    "key_expired",
    "trainer_unknown",
    "people_unknown",
    "not_independent",
    "same_unit",
    "too_few_signers",
    "document_refused",
    "document_unreachable",
    "document_mismatch",
)
"""Every code with which evidence is refused: the further down, the nearer it was to counting."""

PROBLEM_CODES = (
    "actor_unknown",
    "being_written",
    "busy",
    "bytes_elsewhere",
    "bytes_missing",
    "canary_allowed",
    "canary_not_gated",
    "canary_state",
    "changed_meanwhile",
    "clock_went_back",
    "context_conflict",
    "context_unsigned",
    "delegated",
    "digest_failed",
    "digest_pending",
    "empty_profile",
    "engine_failed",
    "gate_closed",
    "gate_failed",
    "log_unusable",
    "malformed_input",
    "mlmodel_unreadable",
    "model_too_large",
    "no_profile",
    "not_frozen",
    "override_ended",
    "override_review_overdue",
    "override_used",
    "parties_conflict",
    "parties_expired",
    "parties_missing",
    "parties_rolled_back",
    "parties_signatures",
    "parties_state",
    "parties_too_long",
    "parties_unreadable",
    "raised_unknown",
    "separation_of_duties",
    "threshold_loosened",
    "too_many_refusals",
    "too_much_evidence",
    "unknown_profile",
)
"""Every code of a problem."""


def causes_first(problems: Iterable[JsonObject]) -> list[JsonObject]:
    """Problems, those of the parties file first: that nobody is known follows from them."""
    return sorted(problems, key=lambda problem: (not _is_of_parties(problem), problem["code"] == "actor_unknown"))


def _is_of_parties(problem: JsonObject) -> bool:
    return str(problem["code"]).startswith("parties_")


def nearest_first(codes: Iterable[str]) -> list[str]:
    """Codes of refusals, each once, those first that were found last: what they refuse was nearest to counting."""
    return sorted(dict.fromkeys(codes), key=_nearness, reverse=True)


def _nearness(code: str) -> int:
    return REJECTION_CODES.index(code) if code in REJECTION_CODES else -1
