# METADATA
# title: What OPA's own decision log leaves out
# description: |
#   An input of the gate holds names, logins and what people signed, and so does the decision. OPA's log keeps neither:
#   Qaqpa's decision log has them, where they can be erased, under the decision id that both logs have. Of a request
#   that is not the gate's, or looks unlike one, nothing is kept.
package system.log

# METADATA
# description: Paths that OPA erases from an entry of its decision log before it goes anywhere.
# entrypoint: true
mask contains path if {
	some part in ["input", "result"]
	some name, _ in input[part]
	not name in _kept
	path := sprintf("/%s/%s", [part, name])
}

mask contains path if {
	not _is_familiar
	some path in ["/input", "/result"]
}

mask contains "/nd_builtin_cache"

# What says nothing of anybody: kinds, dates and digests, and how the gate is set.
_kept := {
	"as_of",
	"context_digest",
	"now",
	"profiles",
	"schema",
	"settings",
	"stage",
	"verdict",
}

_is_familiar if {
	input.path == "qaqpa/gate/decision"
	every part in ["input", "result"] {
		is_object(object.get(input, part, {}))
		every name, _ in object.get(input, part, {}) {
			# A name with a slash is another path to OPA.
			regex.match(`^[a-z_]+$`, name)
		}
	}
}
