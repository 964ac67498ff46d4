# METADATA
# description: |
#   Give the control both rules that the gate reads, `violation` and `not_applicable_because`; an empty set says that
#   it always applies
# schemas:
#   - input: schema.regal.ast
package custom.regal.rules.safety["complete-control"]

import data.regal.ast
import data.regal.result

report contains violation if {
	["data", "qaqpa", "controls", name] = [term.value | some term in input.package.path]
	not endswith(name, "_test")

	some required in ["violation", "not_applicable_because"]
	not required in ast.rule_names

	violation := result.fail(rego.metadata.chain(), result.location(input.package))
}
