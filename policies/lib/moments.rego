# METADATA
# title: The order of moments
# description: |
#   Times arrive as `{text, seconds}`; a date is its first second. What is true here has been shown: a moment without
#   seconds is neither reached nor in time.
package qaqpa.moments

import data.qaqpa.fields

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

# METADATA
# description: When the model was trained, as a text; empty where nobody recorded it, or not readably.
default trained := ""

trained := fields.moment(input.subject, "trained_at").text

# METADATA
# description: |
#   True when somebody recorded when the model was trained, unless that is shown to lie before the end of `day`, a date.
#   What is dated so early is about an earlier model. Nothing is before a training that nobody recorded.
before_training(day) if {
	moment := object.get(input, ["subject", "trained_at"], null)
	moment != null
	not by_end_of(moment, day)
}
