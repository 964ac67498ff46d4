# METADATA
# description: |
#   Name the control's own id and the threshold as plain texts; a threshold of another control, or one that cannot be
#   read here, is not on this control's card
# schemas:
#   - input: schema.regal.ast
package custom.regal.rules.safety["own-threshold"]

import data.regal.ast
import data.regal.result

_functions := {"threshold.above", "threshold.parameter", "threshold.value"}

report contains violation if {
	["data", "qaqpa", "controls", name] = [term.value | some term in input.package.path]

	some call in ast.found.calls[_]
	ast.ref_to_string(call[0].value) in _functions
	not _own(call, upper(replace(name, "_", "-")))

	violation := result.fail(rego.metadata.chain(), result.location(call[0]))
}

_own(call, control) if {
	call[1].type == "string"
	call[1].value == control
	call[2].type == "string"
}
