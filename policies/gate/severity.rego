# METADATA
# title: How severe a violation is
# description: |
#   Each profile that asks for a violation says whether it denies or warns. Where a profile claims what a statute asks,
#   only what rests on the statute denies, from the day on which the duty applies; the settings can raise the rest. Only
#   what was shown to be milder is: whatever is missing or unknown denies now.
package qaqpa.severity

import data.qaqpa.context
import data.qaqpa.links
import data.qaqpa.scope

# METADATA
# description: |
#   Who asks for a violation of a control, as an array sorted by profile: `{profile, basis, severity, from}`. `from` has
#   the day, as `{text, seconds}`, on which a warning becomes a denial, and is empty where there is none.
asked_by(control, violation) := [entry |
	some profile in _asking(control, violation)
	covering := links.covering(control, violation.code, profile)
	entry := object.union(
		{"profile": profile, "basis": links.basis(covering)},
		_weight(control, violation, profile, covering),
	)
]

# METADATA
# description: |
#   A violation with `asked_by`, in an array that is empty where no chosen profile asks for it. What is no violation at
#   all denies.
judged(control, violation) := [found |
	entries := asked_by(control, violation)
	count(entries) > 0
	found := object.union(object.remove(violation, ["only"]), {"asked_by": entries})
] if {
	is_object(violation)
	is_string(violation.code)
} else := [found |
	profiles := scope.profiles_asking(control)
	asked := [{"profile": profile, "basis": "product_default", "severity": "deny", "from": []} | some profile in profiles]
	found := {
		"code": "malformed",
		"level": "deny",
		"evidence": "",
		"field": "",
		"found": violation,
		"required": "a violation",
		"asked_by": asked,
	}
]

# METADATA
# description: True unless it was shown that a violation only warns, in every profile that asks for it.
denies(violation) if {
	some entry in violation.asked_by
	not entry.severity == "warn"
}

# METADATA
# description: |
#   The first day on which one of some violations will deny, as `{text, seconds}`, in an array that is empty where there
#   is none.
denies_from(violations) := [first |
	days := sort([[day.seconds, day.text] |
		some violation in violations
		some entry in violation.asked_by
		some day in entry.from
	])
	some number, day in days
	number == 0
	first := {"seconds": day[0], "text": day[1]}
]

# The profiles that ask for a violation: not those that leave its code out, and where it is about some profiles only, of
# them those, if the card says that its code can be. One that is about none of those that ask is about all of them.
_asking(control, violation) := narrowed if {
	violation.code in data.catalog[control].per_profile
	narrowed := [profile | some profile in _concerned(control, violation); profile in violation.only]
	count(narrowed) > 0
} else := _concerned(control, violation)

_concerned(control, violation) := [profile |
	some profile in scope.profiles_asking(control)
	not _left_out(control, violation, profile)
]

_left_out(control, violation, profile) if violation.code in scope.demand(profile, control).without

_weight(control, violation, profile, covering) := _warning([]) if {
	# Only the gate marks what has merely ended since the decision to which a model goes back.
	is_number(violation.ended_since)
} else := _denial if {
	_raised(control, violation)
} else := _warning([]) if {
	_only_warns(control, violation, profile, covering)
} else := _warning([{"seconds": day[0], "text": day[1]}]) if {
	day := _begins(profile, control, covering)
	_later(day)
} else := _denial

_denial := {"severity": "deny", "from": []}

_warning(days) := {"severity": "warn", "from": days}

# What the settings raise denies now; what the rule itself only warns of has to be raised by its code.
_raised(control, violation) if concat("/", [control, violation.code]) in input.settings.raised

_raised(control, violation) if {
	control in input.settings.raised
	not violation.level == "warn"
}

_only_warns(_, violation, _, _) if violation.level == "warn"

_only_warns(control, _, profile, _) if scope.demand(profile, control).severity == "warn"

# A profile may let a control only warn where fields of the context have the values it names. What is unknown has none.
_only_warns(control, _, profile, _) if {
	conditions := scope.demand(profile, control).warn_when
	is_object(conditions)
	count(conditions) > 0
	every field, value in conditions {
		context.known(field) == value
	}
}

_only_warns(_, _, profile, covering) if {
	_claims_statute(profile)
	count(links.begins(covering)) == 0
}

# Only a day that was shown to be later puts a duty off.
_later(day) if {
	is_number(input.now.seconds)
	input.now.seconds < day[0]
}

_claims_statute(profile) if data.profiles[profile].statutory == true

# The later of the day of the profile and the day of the law, as `[seconds, text]`.
_begins(profile, control, covering) := sort([_own_day(profile, control), links.begins(covering)[0]])[1] if {
	_claims_statute(profile)
} else := _own_day(profile, control)

_own_day(profile, control) := [seconds, text] if {
	text := scope.demand(profile, control).applies_from
	seconds := data.calendar[text]
} else := [0, ""]
