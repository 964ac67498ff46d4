# METADATA
# description: |
#   Reach a control as data.qaqpa.controls.<control>.<rule>, through data.qaqpa.index; a variable there is compiled
#   differently to WebAssembly and can allow
# schemas:
#   - input: schema.regal.ast
package custom.regal.rules.safety["static-control-reference"]

import data.regal.ast
import data.regal.result

_controls := ["data", "qaqpa", "controls"]

report contains violation if {
	some ref in ast.found.refs[_]
	terms := _resolved(ref.value)
	_static(terms) != terms
	_above_or_below(_static(terms))

	violation := result.fail(rego.metadata.chain(), result.location(ref))
}

# A whole document of controls is no better: whatever is looked up in it is looked up by a variable.
report contains violation if {
	some ref in ast.found.refs[_]
	terms := _resolved(ref.value)
	count(terms) <= count(_controls)
	_static(terms) == terms
	_above_or_below(terms)

	violation := result.fail(rego.metadata.chain(), result.location(ref))
}

# An imported document used by its bare name is not a reference in the syntax tree.
report contains violation if {
	some identifier, terms in ast.resolved_imports
	count(terms) <= count(_controls)
	_above_or_below(terms)

	walk(input.rules, [_, term])
	term.type == "var"
	term.value == identifier
	not term.location in _heads

	violation := result.fail(rego.metadata.chain(), result.location(term))
}

_heads contains ref.value[0].location if some ref in ast.found.refs[_]

# The terms of a reference from `data` on; null stands for a term that is not a plain string.
_resolved(terms) := array.concat(ast.resolved_imports[terms[0].value], _plain(terms)) if {
	ast.resolved_imports[terms[0].value]
} else := array.concat([terms[0].value], _plain(terms))

_plain(terms) := [name |
	some term in array.slice(terms, 1, 100)
	name := {true: term.value, false: null}[term.type == "string"]
]

_static(terms) := array.slice(terms, 0, min(array.concat([count(terms)], [i | some i, term in terms; term == null])))

_above_or_below(terms) if {
	count(terms) > 0
	every i, term in array.slice(terms, 0, count(_controls)) {
		term == _controls[i]
	}
}
