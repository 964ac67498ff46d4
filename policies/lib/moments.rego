# METADATA
# title: The order of moments
# description: |
#   Times arrive as `{text, seconds}`; a date is its first second. What is true here has been shown: a moment without
#   seconds is neither reached nor in time.
package qaqpa.moments

# METADATA
# description: True when `moment` is not later than the decision.
reached(moment) if {
	is_number(moment.seconds)
	moment.seconds <= input.now.seconds
}

# METADATA
# description: True when `moment` lies before the end of `day`, a date.
by_end_of(moment, day) if {
	is_number(moment.seconds)
	moment.seconds < day.seconds + 86400
}
