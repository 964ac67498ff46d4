# METADATA
# title: Violations
# description: |
#   A violation is `{code, level, evidence, field, found, required}`. `level` is what the rule itself
#   calls for; whether it denies depends on the profile as well, and is decided by the gate.
package qaqpa.violation

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
