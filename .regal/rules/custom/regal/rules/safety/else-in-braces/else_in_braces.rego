# METADATA
# description: |
#   Put the body of `else` into braces; without them it is missing from the syntax tree that these rules read, and
#   nothing in it is checked
# schemas:
#   - input: schema.regal.ast
package custom.regal.rules.safety["else-in-braces"]

import data.regal.result

report contains violation if {
	some i, line in input.regal.file.lines
	regex.match(`^([^#]*(\}|\s))?else\s([^#]*\s)?if\s+[^{\s]`, line)

	violation := result.fail(rego.metadata.chain(), {"location": {
		"file": input.regal.file.name,
		"row": i + 1,
		"col": 1,
		"text": line,
	}})
}
