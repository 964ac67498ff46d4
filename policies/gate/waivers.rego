# METADATA
# title: Waivers
# description: |
#   A waiver is a signed and dated exception for these bytes, in this system, at one stage, and for controls that it
#   names. A review shows those for a later stage too. It excuses a failure and hides nothing: the violations stay. Only
#   what fails is waived; what cannot be decided never is.
package qaqpa.waivers

import data.qaqpa.evidence
import data.qaqpa.fields
import data.qaqpa.severity
import data.qaqpa.violation as violations

# METADATA
# description: |
#   A finding with the waivers of its control: one that fails is waived where the control's card allows it. Where the
#   card does not, it still fails, and a warning names each waiver.
applied(finding) := object.union(finding, {"status": "waived", "waivers": waivers}) if {
	finding.status == "fail"
	data.catalog[finding.control].waivable == true
	waivers := sort([_listed(item) | some item in _naming(finding.control)])
	count(waivers) > 0
} else := object.union(finding, {"violations": array.concat(finding.violations, _not_allowed(finding.control))}) if {
	finding.status == "fail"
} else := finding

_naming(control) := [item |
	some item in _holding
	control in fields.list(item.predicate, "controls")
]

# The waivers that hold at this moment and stage. What cannot be shown to hold does not.
_holding := [item |
	some item in evidence.counted("waiver")
	_for_this_stage(item.predicate.stage)
	is_number(input.now.seconds)
	is_number(item.expires_at.seconds)
	item.expires_at.seconds > input.now.seconds
	_justified(item.predicate)
]

_for_this_stage(stage) if stage == input.stage

# A review promotes nothing: it asks what would hold at a later stage.
_for_this_stage(stage) if {
	input.stage == "review"
	stage in {"staging", "production"}
}

_justified(waiver) if waiver.category == "waiver"

# Where the requirement is met by other means, they have to be named.
_justified(waiver) if {
	waiver.category == "mitigated"
	count(_compensating(waiver)) > 0
}

_compensating(waiver) := [measure | some measure in fields.list(waiver, "compensating"); is_string(measure)]

_listed(item) := {
	"id": item.id,
	"category": item.predicate.category,
	"reason": item.predicate.reason,
	"ticket": item.predicate.ticket,
	"compensating": _compensating(item.predicate),
	"until": {"text": item.expires_at.text, "seconds": item.expires_at.seconds},
	"signers": sort([signer.id | some signer in item.signers]),
}

_not_allowed(control) := sort([judged |
	some item in _naming(control)
	not data.catalog[control].waivable == true
	violation := violations.warn("waiver_not_allowed", item, "waiver", control, "no waiver")
	some judged in severity.judged(control, violation)
])
