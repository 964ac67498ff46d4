# METADATA
# description: Values that tests share, a request, a fact, days around the moment of the decision.
package qaqpa.fixtures_test

now := {"text": "2026-11-23T00:00:00Z", "seconds": 1795392000}

# A day `offset` days after the decision (negative: before), as the gate sends it.
day(offset) := {"text": concat(" ", ["day", format_int(offset, 10)]), "seconds": now.seconds + (offset * 86400)}

document := {
	"uri": "https://example.org/document",
	"sha256": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
}

# A context by which no rights are affected.
spares_rights := {"affects_rights": false, "significant_decision": false, "eu_class": "minimal"}

# Somebody independent who signed.
signer(id) := {"id": id, "unit": "outside", "roles": ["auditor"], "disciplines": [], "independent": true}

# Evidence that is strong enough for every control.
fact(predicate) := {
	"id": "e1",
	"strength": "independent",
	"source": "evidence.yaml",
	"issued_at": null,
	"expires_at": null,
	"envelope": "ab",
	"signers": [signer("somebody")],
	"against_only": false,
	"predicate": predicate,
}

# Evidence that nobody signed.
declared(predicate) := object.union(fact(predicate), {"strength": "declared", "envelope": "", "signers": []})

# A waiver of controls that holds for ten more days.
waiver(id, controls) := object.union(fact(predicate), {"id": id, "expires_at": day(10)}) if {
	predicate := {
		"stage": "production",
		"controls": controls,
		"category": "waiver",
		"reason": "The commission meets next week.",
		"ticket": "T-1",
		"requested_by": "owner",
	}
}

# A request with a context, and one fact of one kind.
request(context, kind, predicate) := object.union(empty_request, {
	"context": context,
	"evidence": {kind: [fact(predicate)]},
})

empty_request := {
	"now": now,
	"stage": "production",
	"profiles": ["article-baseline"],
	"as_of": false,
	"settings": {
		"minimum_strength": "declared",
		"thresholds": {},
		"raised": [],
		"separation_of_duties": "when_known",
	},
	"actor": null,
	"subject": {"name": "credit", "version": "1", "digest": "ab", "trained_at": null},
	"context": {},
	"context_digest": null,
	"evidence": {},
	"rejected": [],
	"problems": [],
}

# What a set of violations says, without the details: "level code".
said(violations) := {concat(" ", [violation.level, violation.code]) | some violation in violations}

# Violations as rules give them, without who asks for them.
bare(violations) := [object.remove(violation, ["asked_by"]) | some violation in violations]
