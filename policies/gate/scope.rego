# METADATA
# title: What is asked
# description: |
#   Which controls the chosen profiles ask for.
package qaqpa.scope

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
# description: What a profile demands of a control that it asks for.
demand(profile, control) := _demands(profile)[control]

# What a profile asks for, by control; null where there is no such profile.
_demands(profile) := demands if {
	is_string(profile)
	demands := data.profiles[profile].controls
	is_object(demands)
} else := null
