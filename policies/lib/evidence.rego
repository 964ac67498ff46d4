# METADATA
# title: Evidence that counts
# description: |
#   Python has verified what stands in `input.evidence` (an array of facts for each kind). Here it is only asked
#   whether a fact is strong enough for the stage. All facts of a kind count together, and the worst decides.
package qaqpa.evidence

_rank := {"declared": 1, "signed": 2, "independent": 3}

# METADATA
# description: The least strength that counts. A demand that is missing or unknown is taken as the strongest.
default minimum_strength := "independent"

minimum_strength := strength if {
	strength := input.settings.minimum_strength
	strength in {"declared", "signed"}
}

# METADATA
# description: The facts of a kind that are strong enough, as an array.
counted(kind) := [item |
	some item in object.get(input.evidence, kind, [])
	_strong(item)
]

# METADATA
# description: The facts of a kind that are too weak, as an array.
too_weak(kind) := [item |
	some item in object.get(input.evidence, kind, [])
	not _strong(item)
]

# METADATA
# description: What was refused for a kind, as an array.
refused(kind) := [refusal |
	some refusal in input.rejected
	refusal.kind == kind
]

_strong(item) if _rank[item.strength] >= _rank[minimum_strength]
