# METADATA
# title: The decision
# description: |
#   The decision document, the only thing that anybody outside reads. It carries codes and values; texts are
#   rendered elsewhere. `allow` has to be shown: whatever is missing, unknown or contradictory gives `undecided`.
# schemas:
#   - input: schema.input
package qaqpa.gate

import data.qaqpa.evidence
import data.qaqpa.findings
import data.qaqpa.malformed
import data.qaqpa.rollback
import data.qaqpa.scope
import data.qaqpa.separation
import data.qaqpa.stage
import data.qaqpa.threshold

# METADATA
# description: The decision document; see schemas/decision.json.
# entrypoint: true
decision := object.union(_document, {"rollback": told}) if {
	some told in rollback.told
} else := _document

_document := {
	"schema": "urn:qaqpa:schema:decision:v1",
	"verdict": verdict,
	"stage": _given("stage"),
	"now": _given("now"),
	"as_of": _given("as_of"),
	"actor": _given("actor"),
	"subject": {
		"name": _given(["subject", "name"]),
		"version": _given(["subject", "version"]),
		"digest": _given(["subject", "digest"]),
	},
	"context_digest": _given("context_digest"),
	"profiles": scope.known_profiles,
	"settings": _given("settings"),
	"findings": findings.listed,
	"problems": problems,
	"rejected": _rejected,
}

# METADATA
# description: "`allow`, `deny` or `undecided`."
default verdict := "undecided"

verdict := "deny" if {
	count(_with_status({"fail"})) > 0
} else := "deny" if {
	some problem in problems
	problem.code in {"actor_unknown", "bytes_elsewhere", "separation_of_duties"}
} else := "allow" if {
	count(findings.listed) > 0
	count(problems) == 0
	count(_with_status({"pass", "warn", "waived", "not_applicable"})) == count(scope.asked)
}

_with_status(statuses) := [finding | some finding in findings.listed; finding.status in statuses]

# METADATA
# description: |
#   Why nothing can be allowed, as an array of `{code, detail}`; empty in the ordinary case. Some deny by themselves;
#   the others leave the decision undecided where nothing fails.
problems := sort(_problem)

_problem contains problem if some problem in input.problems

_problem contains {"code": "unknown_profile", "detail": profile} if some profile in scope.unknown_profiles

_problem contains {"code": "empty_profile", "detail": profile} if some profile in scope.empty_profiles

_problem contains {"code": "no_profile", "detail": ""} if count(scope.known_profiles) == 0

_problem contains {"code": "threshold_loosened", "detail": concat("/", [entry.control, entry.threshold])} if {
	some entry in threshold.loosened
}

_problem contains {"code": "raised_unknown", "detail": name} if some name in threshold.raised_unknown

_problem contains {"code": "malformed_input", "detail": place} if some place in malformed.places

_problem contains problem if some problem in separation.problems

# What a context switches off in production has to rest on a context that somebody signed.
_problem contains {"code": "context_unsigned", "detail": ""} if {
	stage.production
	is_object(input.context)
	count(input.context) > 0
	count(evidence.counted("system")) == 0
}

default _request := {}

_request := input if is_object(input)

# What the request says at a place, null where it says nothing: even a request that is none gets an answer.
_given(place) := object.get(_request, place, null)

default _rejected := []

_rejected := sort(input.rejected) if is_array(input.rejected)
