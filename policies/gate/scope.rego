# METADATA
# title: What is asked
# description: |
#   Which controls the chosen profiles ask for, and how severe a violation is in each of them.
package qaqpa.scope

import data.qaqpa.context

# METADATA
# description: The profiles of the request that exist, as a sorted array.
known_profiles := sort({profile |
	some profile in input.profiles
	_demands(profile) != null
})

# METADATA
# description: Profiles of the request that do not exist here, as an array.
unknown_profiles := [profile |
	some profile in input.profiles
	_demands(profile) == null
]

# METADATA
# description: Profiles of the request that ask for nothing, as an array. Such a profile is a mistake, not a pass.
empty_profiles := [profile |
	some profile in known_profiles
	count(_demands(profile)) == 0
]

# METADATA
# description: The ids of all controls that a chosen profile asks for.
asked contains control if {
	some profile in known_profiles
	some control, _ in _demands(profile)
}

# METADATA
# description: The chosen profiles that ask for a control, as a sorted array.
profiles_asking(control) := sort({profile |
	some profile in known_profiles
	control in object.keys(_demands(profile))
})

# METADATA
# description: |
#   The profiles in which a violation of this control denies now: the profile says `deny`, and the duty applies
#   already. A severity that is missing or unknown counts as `deny`.
profiles_denying(control) := [profile |
	some profile in profiles_asking(control)
	demand := _demands(profile)[control]
	not _only_warns(demand)
	not _later(demand)
]

# METADATA
# description: |
#   The first day, as `{text, seconds}`, on which a violation that only warns today will deny, in an array that is
#   empty where there is no such day.
denies_from(control) := [first |
	days := sort({[demand.applies_from.seconds, demand.applies_from.text] |
		some profile in profiles_asking(control)
		demand := _demands(profile)[control]
		not _only_warns(demand)
		_later(demand)
	})
	count(profiles_denying(control)) == 0
	count(days) > 0
	first := {"seconds": days[0][0], "text": days[0][1]}
]

# What a profile asks for, by control; null where there is no such profile.
_demands(profile) := demands if {
	is_string(profile)
	demands := data.profiles[profile].controls
	is_object(demands)
} else := null

_only_warns(demand) if demand.severity == "warn"

# A profile may let a control only warn where fields of the context have the values it names. What is unknown has none.
_only_warns(demand) if {
	is_object(demand.warn_when)
	count(demand.warn_when) > 0
	every field, value in demand.warn_when {
		context.said(field) == value
	}
}

# Only a day that was shown to be later puts a duty off.
_later(demand) if {
	is_number(demand.applies_from.seconds)
	is_string(demand.applies_from.text)
	is_number(input.now.seconds)
	input.now.seconds < demand.applies_from.seconds
}
