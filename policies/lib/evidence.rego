# METADATA
# title: Evidence that counts
# description: |
#   Python has verified what stands in `input.evidence` (an array of facts for each kind). Here it is only asked
#   whether a fact is strong enough for the stage. All facts of a kind count together, and the worst decides.
package qaqpa.evidence

import data.qaqpa.scope
import data.qaqpa.stage

# From the weakest to the strongest.
_strengths := ["declared", "signed", "independent"]

_rank := {"declared": 0, "signed": 1, "independent": 2}

# METADATA
# description: |
#   The least strength at which facts of a kind count. The settings say it. In production it is also at least signed,
#   and at least what the card of each control that is asked for and needs the kind demands. A waiver has to be signed
#   at every stage. A demand that is missing from the settings or unknown is taken as the strongest.
minimum_strength(kind) := _strengths[_least(kind)]

# METADATA
# description: |
#   The facts of a kind that are strong enough, as an array. Without one of them a control that needs the kind fails.
counted(kind) := [item |
	least := _least(kind)
	some item in object.get(input.evidence, kind, [])
	item.against_only == false
	_rank[item.strength] >= least
]

# METADATA
# description: |
#   The facts of a kind by which a control is judged, as an array: those that count, and whatever else somebody signed
#   who may sign the kind. That is too weak to meet a requirement, and can still say that one is not met: otherwise a
#   bad word would be silenced by making its author dependent.
judged(kind) := [item |
	least := _least(kind)
	some item in object.get(input.evidence, kind, [])
	_is_judged(item, least)
]

# METADATA
# description: |
#   The facts of a kind that are too weak, as an array. What counts against only was refused, and is no such fact.
too_weak(kind) := [item |
	least := _least(kind)
	some item in object.get(input.evidence, kind, [])
	item.against_only == false
	not _reaches(item, least)
]

# METADATA
# description: What was refused for a kind, as an array.
refused(kind) := [refusal |
	some refusal in input.rejected
	refusal.kind == kind
]

_is_judged(item, _) if _rank[item.strength] > 0

_is_judged(item, least) if {
	item.against_only == false
	_rank[item.strength] >= least
}

_reaches(item, least) if _rank[item.strength] >= least

_least(kind) := max({_configured, _floor(kind), object.get(_by_cards, kind, 0)})

default _configured := 2

_configured := _rank[input.settings.minimum_strength]

_floor(kind) := 1 if {
	_needs_signature(kind)
} else := 0

_needs_signature(_) if stage.production

_needs_signature("waiver")

# For each kind the most that a card demands.
_by_cards := {kind: rank |
	some kind in {demand.kind | some demand in _demands}
	rank := max({demand.rank | some demand in _demands; demand.kind == kind})
}

# What the cards of the controls that are asked for demand in production. A strength that is not known is the strongest.
_demands := {{"kind": kind, "rank": rank} |
	stage.production
	some control in scope.asked
	card := data.catalog[control]
	rank := _demanded(card.minimum_strength)
	some kind in card.evidence
}

_demanded(strength) := _rank[strength] if {
	strength in _strengths
} else := 2
