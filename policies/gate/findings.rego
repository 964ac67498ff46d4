# METADATA
# title: Findings
# description: |
#   One finding for every control that is asked. The controls are reached through `data.qaqpa.index`, which is
#   generated and holds static references only: with a variable in a reference below `data.qaqpa.controls`, OPA's
#   WebAssembly compiler and OPA can differ.
package qaqpa.findings

import data.qaqpa.evidence
import data.qaqpa.index
import data.qaqpa.rollback
import data.qaqpa.scope
import data.qaqpa.severity
import data.qaqpa.waivers

# METADATA
# description: All findings, sorted by control.
listed := [finding |
	some control in sort(scope.asked)
	finding := waivers.applied(_finding(control))
]

# METADATA
# description: |
#   The ids of the controls that can be judged: they have a rule that says both what is wrong and when it does not
#   apply, and a card that names the evidence they need and has sound thresholds.
judged contains control if {
	some control, entry in index.by_control
	is_set(entry.violation)
	is_set(entry.not_applicable_because)
	card := data.catalog[control]
	count(_kinds(card)) > 0
	_sound_thresholds(card)
}

# A control that says it does not apply must rest on fields that the context really holds; its evidence is the context.
# Whatever is undefined on the way ends in `undecided`, so that no control that was asked can be missing.
_finding(control) := object.union(_undecided(control), {
	"status": "not_applicable",
	"not_applicable_because": reasons,
	"evidence": sort([item.id | some item in evidence.counted("system")]),
}) if {
	control in judged
	reasons := sort(index.by_control[control].not_applicable_because)
	count(reasons) > 0
	every reason in reasons {
		object.get(input.context, reason, null) != null
	}
} else := object.union(_undecided(control), {
	"status": _status(violations),
	"violations": violations,
	"evidence": _ids(data.catalog[control].evidence),
	"denies_from": _denies_from(violations),
}) if {
	control in judged
	count(index.by_control[control].not_applicable_because) == 0
	violations := [judged |
		some violation in array.concat(_lacking(control), _own(control))
		some judged in severity.judged(control, violation)
	]
} else := _undecided(control)

# What the rule of a control found, after its evidence that has ended.
_own(control) := array.concat(rollback.ended(control), [rollback.marked(control, violation) |
	some violation in sort(index.by_control[control].violation)
])

_undecided(control) := {
	"control": control,
	"status": "undecided",
	"profiles": scope.profiles_asking(control),
	"violations": [],
	"not_applicable_because": [],
	"evidence": [],
	"denies_from": [],
	"waivers": [],
}

# The kinds of evidence on a card; none where one of them is no name.
_kinds(card) := card.evidence if {
	is_array(card.evidence)
	every kind in card.evidence {
		is_string(kind)
		kind != ""
	}
} else := []

_sound_thresholds(card) if {
	is_object(card.thresholds)
	every _, entry in card.thresholds {
		not is_null(entry.value)
		entry.tighter in {"higher", "lower"}
		_is_basis(entry.basis)
	}
}

_is_basis(basis) if is_string(basis)

_is_basis(basis) if is_object(basis)

# The ids of the facts of some kinds by which a control is judged.
_ids(kinds) := sort([item.id |
	some kind in kinds
	some item in evidence.judged(kind)
])

_status(violations) := "fail" if {
	some violation in violations
	severity.denies(violation)
} else := "warn" if {
	count(violations) > 0
} else := "pass"

_denies_from(violations) := [] if {
	_status(violations) == "fail"
} else := severity.denies_from(violations)

# Evidence that is not there, was refused, or is too weak: three codes, because three different people mend them.
_lacking(control) := [violation |
	some kind in data.catalog[control].evidence
	count(evidence.counted(kind)) == 0
	violation := {
		"code": _lacking_code(kind),
		"level": "deny",
		"evidence": "",
		"field": kind,
		"found": _lacking_found(kind),
		"required": evidence.minimum_strength(kind),
	}
]

_lacking_code(kind) := "evidence_too_weak" if {
	count(evidence.too_weak(kind)) > 0
} else := "evidence_refused" if {
	count(evidence.refused(kind)) > 0
} else := "evidence_missing"

_lacking_found(kind) := sort([item.strength | some item in evidence.too_weak(kind)]) if {
	count(evidence.too_weak(kind)) > 0
} else := sort([refusal.code | some refusal in evidence.refused(kind)])
