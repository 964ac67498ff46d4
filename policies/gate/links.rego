# METADATA
# title: What a violation rests on
# description: |
#   A card links its control to provisions, and some links name the codes that they are about. Here it is found out
#   which links hold for a violation in a profile on the day of the decision, and when their duties begin. The dates
#   stand with the provisions, as plain days; `data.calendar` has the seconds of each.
package qaqpa.links

import data.qaqpa.context
import data.qaqpa.dates

# What the gate reports itself; it concerns all that a control asks for.
_of_the_gate(code) if {
	code in {"evidence_ended", "evidence_missing", "evidence_refused", "evidence_too_weak", "waiver_not_allowed"}
}

# METADATA
# description: |
#   The links of a control that a violation code rests on in a profile, as an array: those that name the code; where
#   none does, the general ones, unless the card says that the code is only our default.
covering(control, code, profile) := named if {
	named := [link | some link in _links(control, profile); code in link.codes]
	count(named) > 0
} else := [] if {
	code in data.catalog[control].defaults
	not _of_the_gate(code)
} else := general if {
	_has_general(control, profile)
	general := [link | some link in _links(control, profile); not link.codes]
} else := _links(control, profile) if {
	_of_the_gate(code)
} else := []

# METADATA
# description: |
#   The strongest of some links, `product_default` where there is none. A strength that is not known counts as
#   statutory.
basis(links) := "direct" if {
	some link in links
	link.strength == "direct"
} else := "statutory" if {
	some link in links
	not _below_statutory(link)
} else := "derived" if {
	some link in links
	link.strength == "derived"
} else := "recommended" if {
	count(links) > 0
} else := "product_default"

# METADATA
# description: |
#   The day on which the duty of the first of some links begins, among those that a statute's profile denies for, as
#   `[seconds, text]` in an array that is empty where there is no such link. `[0, ""]` stands for a duty without a date.
begins(links) := first if {
	days := sort([_day(link) | some link in links; not _below_statutory(link)])
	first := [day | some number, day in days; number == 0]
}

# The links of a control that hold in a profile today.
_links(control, profile) := [link |
	some link in data.catalog[control].provisions
	_of_profile(link, profile)
	not _elsewhere(link)
	not _ended(link)
	not _early(link)
]

# Whatever the day: what the gate reports rests on other links only where a control has no general one.
_has_general(control, profile) if {
	some link in data.catalog[control].provisions
	not link.codes
	_of_profile(link, profile)
}

_of_profile(link, profile) if profile in link.profiles

_of_profile(link, profile) if {
	not link.profiles
	link.act in data.profiles[profile].acts
}

_below_statutory(link) if link.strength in {"derived", "recommended"}

# A link with a condition holds unless the context says something else, which is not stricter.
_elsewhere(link) if {
	some field, value in link.when
	known := context.known(field)
	_differs(known, value)
	not context.is_stricter(field, known, value)
}

_differs(known, value) if {
	is_boolean(known)
	is_boolean(value)
	known != value
}

_differs(known, value) if {
	is_string(known)
	is_string(value)
	known != value
}

# The last day in force is the last on which it counts.
_ended(link) if {
	seconds := data.calendar[_in_force(link).until]
	not dates.not_ended({"seconds": seconds})
}

# A duty is announced before it begins; what asks for no duty counts once it is in force.
_early(link) if {
	_below_statutory(link)
	seconds := data.calendar[_in_force(link).from]
	not dates.begun({"seconds": seconds})
}

_provision(link) := provision if {
	provision := data.law[link.act].provisions[link.provision]
	is_object(provision)
} else := {}

# What a provision says of its own days goes before what its act says.
_in_force(link) := object.union(
	object.get(data.law, [link.act, "in_force"], {}),
	object.get(_provision(link), "in_force", {}),
)

# A day that is not known puts nothing off.
_day(link) := [seconds, text] if {
	text := _fitting(link)[0]
	seconds := data.calendar[text]
} else := [seconds, text] if {
	count(_fitting(link)) == 0
	text := _in_force(link).from
	seconds := data.calendar[text]
} else := [0, ""]

# The days from which the duty applies in this context, the one that counts first.
_fitting(link) := [entry.from |
	some entry in object.get(_provision(link), "applies", [])
	_fits(entry)
]

_fits(entry) if not entry.when

_fits(entry) if {
	every field, value in entry.when {
		context.known(field) == value
	}
}
