# METADATA
# title: Ages of dates
# description: |
#   Times arrive as `{text, seconds}`, seconds since 1970-01-01T00:00:00Z. Policies never read a clock:
#   the moment of the decision is `input.now`.
package qaqpa.dates

# METADATA
# description: |
#   True when `moment` lies at most `days` days before the decision, and not after it. Only what is a number can show
#   that.
within_days(moment, days) if {
	is_number(moment.seconds)
	is_number(days)
	age := input.now.seconds - moment.seconds
	age >= 0
	age <= days * 86400
}

# METADATA
# description: True unless `moment`, the first second of a first day, was shown to lie after the decision.
begun(moment) if not _ahead(moment)

_ahead(moment) if {
	is_number(moment.seconds)
	is_number(input.now.seconds)
	moment.seconds > input.now.seconds
}

# METADATA
# description: True when `moment`, the first second of a last day of validity, lies on the day of the decision or later.
not_ended(moment) if {
	is_number(moment.seconds)
	moment.seconds + 86400 > input.now.seconds
}
