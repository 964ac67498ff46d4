# METADATA
# title: Thresholds
# description: |
#   A threshold's value: the one in the settings, else the one on the control's card. Loosening a threshold whose
#   basis is law makes the whole decision undecided (see `loosened` and `malformed`).
package qaqpa.threshold

import data.qaqpa.scope

# METADATA
# description: The value in force for a threshold of a control; null where neither settings nor card have one.
value(control, name) := configured if {
	configured := object.get(input, ["settings", "thresholds", control, name], null)
	is_number(configured)
} else := shipped if {
	shipped := data.catalog[control].thresholds[name].value
} else := null

# METADATA
# description: True unless a number was measured that is at most the threshold.
above(control, name, measured) if {
	limit := value(control, name)
	not _at_most(measured, limit)
}

# METADATA
# description: |
#   The union of a parameter of a control over the chosen profiles, as a set. It is empty where no profile names it, so
#   a control has to say what that means.
parameter(control, name) := {value |
	some profile in input.profiles
	some value in parameter_of(profile, control, name)
}

# METADATA
# description: A parameter of a control in one profile, as a set; empty where the profile does not name it.
parameter_of(profile, control, name) := {value |
	some value in data.profiles[profile].controls[control].parameters[name]
}

# METADATA
# description: The chosen profiles whose parameter of a control has a value, as a sorted array.
profiles_naming(control, name, value) := sort({profile |
	some profile in input.profiles
	value in parameter_of(profile, control, name)
})

# METADATA
# description: Settings that loosen a threshold whose basis is law, or that name an unknown one.
loosened contains entry if {
	some control, names in input.settings.thresholds
	some name, configured in names
	card := data.catalog[control].thresholds[name]

	# A basis that is not known to be our own choice is taken as law.
	not _ours(object.get(card, "basis", ""), control)
	not _keeps(card, configured)
	entry := {"control": control, "threshold": name, "found": configured, "required": card.value}
}

loosened contains entry if {
	some control, names in input.settings.thresholds
	some name, configured in names
	not data.catalog[control].thresholds[name]
	entry := {"control": control, "threshold": name, "found": configured, "required": "a threshold of this control"}
}

# METADATA
# description: |
#   The places in the settings that hold no usable number, as a set of paths. A threshold is from 0 to 1 000 000, and
#   whole where the card's is whole: the engines disagree about arithmetic on decimals.
malformed contains concat("/", ["settings", "thresholds", control]) if {
	some control, names in input.settings.thresholds
	not is_object(names)
}

malformed contains concat("/", ["settings", "thresholds", control, name]) if {
	some control, names in input.settings.thresholds
	some name, configured in names
	shipped := object.get(data.catalog, [control, "thresholds", name, "value"], 0)
	not _usable(configured, shipped)
}

# METADATA
# description: |
#   What the settings raise that does not exist, as a set of texts: `CONTROL` or `CONTROL/code`. Raised, a violation
#   denies that would only warn; with its code even where the rule itself only warns.
raised_unknown contains name if {
	some name in input.settings.raised
	not name in _raisable
}

_raisable contains control if some control, _ in data.catalog

_raisable contains concat("/", [control, code]) if {
	some control, card in data.catalog
	some code, _ in card.texts.en.violations
}

_raisable contains concat("/", [control, code]) if {
	some control, _ in data.catalog
	some code in ["evidence_missing", "evidence_refused", "evidence_too_weak"]
}

_ours("product_default", _)

# Where the basis depends on the profile, it is law as soon as it is in one profile that asks for the control.
_ours(basis, control) if {
	is_object(basis)
	every profile in scope.profiles_asking(control) {
		object.get(basis, profile, "product_default") == "product_default"
	}
}

_at_most(measured, limit) if {
	is_number(measured)
	is_number(limit)
	measured <= limit
}

_keeps(card, configured) if {
	card.tighter == "higher"
	configured >= card.value
}

_keeps(card, configured) if {
	card.tighter == "lower"
	configured <= card.value
}

_usable(configured, shipped) if {
	is_number(configured)
	configured >= 0
	configured <= 1000000
	not _coarser(configured, shipped)
}

_coarser(configured, shipped) if {
	is_number(shipped)
	shipped == floor(shipped)
	configured != floor(configured)
}
