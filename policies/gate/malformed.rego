# METADATA
# title: Malformed input
# description: |
#   Who calls through Qaqpa has had the input checked against schemas/input.json. Who calls an OPA server directly has
#   not, and a rule that meets a wrong type is undefined and so finds nothing. Here every part of the request that the
#   gate relies on is shown to be of its type.
package qaqpa.malformed

import data.qaqpa.context
import data.qaqpa.rollback
import data.qaqpa.threshold

# METADATA
# description: The places of the input that are missing or of the wrong type, as a set of names.
places contains field if {
	some field in ["context", "evidence", "now", "settings", "subject"]
	value := object.get(_request, field, null)
	not is_object(value)
}

places contains field if {
	some field in ["problems", "profiles", "rejected"]
	value := object.get(_request, field, null)
	not is_array(value)
}

places contains "stage" if {
	stage := object.get(_request, "stage", null)
	not stage in {"review", "staging", "production"}
}

places contains "as_of" if {
	chosen := object.get(_request, "as_of", null)
	not is_boolean(chosen)
}

places contains "settings.raised" if {
	raised := object.get(_request, ["settings", "raised"], null)
	not _are_texts(raised)
}

places contains concat(".", ["context", field]) if {
	some field, value in object.get(_request, "context", {})
	is_string(field)
	not context.allows(field, value)
}

places contains "now.seconds" if {
	seconds := object.get(_request, ["now", "seconds"], null)
	not _whole_number(seconds)
}

places contains "actor" if {
	# False stands for an actor that is missing, which is not the same as one that is not known.
	actor := object.get(_request, "actor", false)
	not _is_actor(actor)
}

places contains "settings.separation_of_duties" if {
	setting := object.get(_request, ["settings", "separation_of_duties"], null)
	not setting in {"off", "when_known", "required"}
}

places contains "settings.thresholds" if {
	thresholds := object.get(_request, ["settings", "thresholds"], null)
	not is_object(thresholds)
}

places contains place if some place in threshold.malformed

places contains concat(".", ["evidence", kind]) if {
	some kind, items in object.get(_request, "evidence", {})
	not is_array(items)
}

places contains concat(".", ["evidence", kind]) if {
	some kind, items in object.get(_request, "evidence", {})
	some item in items
	not _is_fact(item)
}

places contains "rollback" if {
	"rollback" in object.keys(_request)
	not rollback.sound
}

# Evidence that has ended counts in a rollback only, and no exception does.
places contains concat(".", ["evidence", kind]) if {
	some kind, items in object.get(_request, "evidence", {})
	some item in items
	object.get(item, "ended_at", null) != null
	not _merely_ended(kind, item)
}

places contains "evidence.waiver" if {
	some item in object.get(_request, ["evidence", "waiver"], [])
	not _is_waiver(item)
}

places contains field if {
	some field in ["problems", "rejected"]
	some item in object.get(_request, field, [])
	not _has_code(item)
}

default _request := {}

_request := input if is_object(input)

_whole_number(value) if {
	is_number(value)
	value == floor(value)
}

_is_actor(null)

_is_actor(actor) if _is_name(actor)

_is_fact(item) if {
	is_string(item.id)
	is_object(item.predicate)
	is_string(item.envelope)
	is_boolean(item.against_only)
	is_array(item.signers)
	every signer in item.signers {
		_is_signer(signer)
	}
	_bears_out(item.signers, item.strength)
}

# What a waiver excuses has an end.
_is_waiver(item) if {
	is_string(item.expires_at.text)
	_whole_number(item.expires_at.seconds)
	is_array(item.predicate.controls)
}

_merely_ended(kind, item) if {
	kind != "waiver"
	rollback.ended_since(item)
}

_is_signer(signer) if {
	_is_name(signer.id)
	is_string(signer.unit)
	_are_texts(signer.roles)
	_are_texts(signer.disciplines)
	is_boolean(signer.independent)
}

# A fact is as strong as those who signed it make it.
_bears_out([], "declared")

_bears_out(signers, "signed") if count(signers) > 0

_bears_out(signers, "independent") if {
	some signer in signers
	signer.independent
}

_are_texts(value) if {
	is_array(value)
	every text in value {
		is_string(text)
	}
}

_is_name(value) if {
	is_string(value)
	value != ""
}

_has_code(item) if is_string(item.code)
