# METADATA
# description: |
#   Move arithmetic to policies/lib and do it on whole numbers, without division; compare sets by membership; OPA and
#   its WebAssembly compiler disagree about decimals
# schemas:
#   - input: schema.regal.ast
package custom.regal.rules.safety["portable-arithmetic"]

import data.regal.ast
import data.regal.result

_never := {"div", "rem"}

_only_in_lib := {"minus", "mul", "numbers.range_step", "plus", "product", "sum"}

report contains violation if {
	some call in ast.found.calls[_]
	ast.ref_to_string(call[0].value) in _forbidden

	violation := result.fail(rego.metadata.chain(), result.location(call[0]))
}

_forbidden := _never if _may_count

_forbidden := _never | _only_in_lib if not _may_count

_may_count if regex.match(`(^|/)lib/[^/]+\.rego$`, input.regal.file.name)

# Tests run on OPA alone.
_may_count if endswith(ast.package_name, "_test")
