# METADATA
# title: Malformed input
# description: |
#   Who calls through Qaqpa has had the input checked against schemas/input.json. Who calls an OPA server directly has
#   not, and a rule that meets a wrong type is undefined and so finds nothing. Here every part of the request that the
#   gate relies on is shown to be of its type.
package qaqpa.malformed

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

places contains "now.seconds" if {
	seconds := object.get(_request, ["now", "seconds"], null)
	not _whole_number(seconds)
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

_is_fact(item) if {
	is_string(item.id)
	item.strength in {"declared", "signed", "independent"}
	is_object(item.predicate)
}

_has_code(item) if is_string(item.code)
