# METADATA
# title: Rollbacks
# description: |
#   Whoever goes back to what was allowed before hands in that earlier decision, which Python has verified. What has
#   merely ended since warns; everything else is judged as ever. Evidence that ended is marked with its end, and its
#   content counts. A violation that says of evidence that it is too old has merely come up since, if the same rule
#   finds nothing at the same place when it is asked as of the earlier decision.
package qaqpa.rollback

import data.qaqpa.dates
import data.qaqpa.evidence
import data.qaqpa.index

# METADATA
# description: |
#   True where the request goes back to an earlier decision in a way that can be: to one at most 90 days before, at a
#   stage that is served, as of now.
sound if {
	input.stage in {"production", "staging"}
	input.as_of == false
	_whole_number(input.rollback.decision)
	_whole_number(input.rollback.allowed_at.seconds)
	is_string(input.rollback.allowed_at.text)
	dates.within_days(input.rollback.allowed_at, 90)
}

# METADATA
# description: True for a fact that ended between the earlier decision and now.
ended_since(item) if {
	is_string(item.ended_at.text)
	_whole_number(item.ended_at.seconds)
	item.ended_at.seconds > _from
	item.ended_at.seconds <= _until
	item.against_only == false
}

# METADATA
# description: What the decision document says of the rollback, in an array that is empty where there is none.
default told := []

told := [{
	"decision": _decision,
	"allowed_at": {"text": input.rollback.allowed_at.text, "seconds": _from},
	"ended": sort([entry |
		some kind, items in input.evidence
		some item in items
		ended_since(item)
		entry := {"kind": kind, "id": item.id, "ended_at": item.ended_at}
	]),
}]

# METADATA
# description: The violations that name the evidence of a control that has ended since, as an array.
ended(control) := [violation |
	some kind in data.catalog[control].evidence
	some item in evidence.judged(kind)
	ended_since(item)
	violation := _ended(kind, item, _decision)
]

# METADATA
# description: |
#   A violation of a control, marked where it has merely come up since the earlier decision. The mark is the gate's:
#   what a rule itself says of it is taken away.
marked(control, violation) := object.union(_unmarked(violation), _mark) if {
	_expires(control, violation.code)
	_came_up_since(control, violation)
} else := _unmarked(violation)

# Undefined, all of them, where there is no rollback.
_decision := input.rollback.decision if sound

_ended(kind, item, decision) := {
	"code": "evidence_ended",
	"level": "warn",
	"evidence": item.id,
	"field": kind,
	"found": item.ended_at.text,
	"required": decision,
	"ended_since": decision,
}

_mark := {"ended_since": _decision}

_from := input.rollback.allowed_at.seconds if sound

_until := input.now.seconds if sound

_unmarked(violation) := object.remove(violation, ["ended_since"]) if {
	is_object(violation)
} else := violation

_expires(control, code) if code in data.catalog[control].expires

# Only what was shown not to have been there came up since.
_came_up_since(control, violation) if {
	before := _then[control].violation
	is_set(before)
	not _found(before, violation)
}

# True where one of some violations is the same one; what was found there can be another value.
_found(violations, wanted) if {
	some violation in violations
	violation.code == wanted.code
	violation.evidence == wanted.evidence
	violation.field == wanted.field
}

# What each control says as of the earlier decision, of the same evidence.
_then := found if {
	sound

	# regal ignore:with-outside-test-context
	found := index.by_control with input.now as input.rollback.allowed_at
}

_whole_number(value) if {
	is_number(value)
	value == floor(value)
}
