# METADATA
# title: Violations
# description: |
#   A violation is `{code, level, evidence, field, found, required}`. `level` is what the rule itself
#   calls for; whether it denies depends on the profile as well, and is decided by the gate.
package qaqpa.violation

import data.qaqpa.context

# METADATA
# description: A violation that denies where the profile denies.
deny(code, item, field, found, required) := {
	"code": code,
	"level": "deny",
	"evidence": item.id,
	"field": field,
	"found": found,
	"required": required,
}

# METADATA
# description: A violation that only warns, in every profile.
warn(code, item, field, found, required) := {
	"code": code,
	"level": "warn",
	"evidence": item.id,
	"field": field,
	"found": found,
	"required": required,
}

# METADATA
# description: A violation that denies where the system is of high risk, and else only warns.
by_risk(code, item, field, found, required) := deny(code, item, field, found, required) if {
	context.high_risk
} else := warn(code, item, field, found, required)

# METADATA
# description: |
#   A violation that only some profiles ask for, an array of their ids. Its code has to stand in the card's
#   `per_profile`, else it concerns all that are chosen, as where none of them is chosen.
asked_by(found, profiles) := object.union(found, {"only": profiles})
