# METADATA
# title: NDQ-02 Bias test across protected groups
# description: |
#   Selection rates and error rates of groups, from their counts, for every attribute that a profile names.
package qaqpa.controls.ndq_02

import data.qaqpa.context
import data.qaqpa.dates
import data.qaqpa.evidence
import data.qaqpa.fields
import data.qaqpa.moments
import data.qaqpa.ratio
import data.qaqpa.scope
import data.qaqpa.threshold
import data.qaqpa.violation as violations

_tests := evidence.judged("bias")

# METADATA
# description: The fields of the context by which the control does not apply.
not_applicable_because contains "affects_rights" if context.affects_rights == false

# METADATA
# description: What is wrong.
violation contains found if {
	some test in _tests
	not fields.has_document(test.predicate, "report")
	found := violations.deny("report_missing", test, "report", "", "uri, sha256")
}

violation contains found if {
	some test in _tests
	tested := fields.moment(test.predicate, "tested_on")
	days := threshold.value("NDQ-02", "max_age_days")
	not dates.within_days(tested, days)
	found := violations.deny("test_out_of_date", test, "tested_on", tested.text, days)
}

violation contains found if {
	some test in _tests
	tested := fields.moment(test.predicate, "tested_on")
	moments.before_training(tested)
	found := violations.deny("tested_before_training", test, "tested_on", tested.text, moments.trained)
}

# A profile that asks for the test and names no attribute would let every test pass.
violation contains found if {
	some test in _tests
	silent := [profile |
		some profile in scope.profiles_asking("NDQ-02")
		count(threshold.parameter_of(profile, "NDQ-02", "attributes")) == 0
	]
	count(silent) > 0
	denied := violations.deny("no_attribute_demanded", test, "groups", silent, "attributes in the profile")
	found := violations.asked_by(denied, silent)
}

# Which attributes have to be there is for each profile to say; whatever is there is judged for all of them.
violation contains found if {
	some test in _tests
	seen := array.concat(_tested(test), _excluded(test))
	some attribute in threshold.parameter("NDQ-02", "attributes")
	not attribute in seen
	denied := violations.deny("attribute_untested", test, "groups", attribute, "tested, or excluded with a reason")
	found := violations.asked_by(denied, threshold.profiles_naming("NDQ-02", "attributes", attribute))
}

# Reasons for leaving out every attribute are no test.
violation contains found if {
	some test in _tests
	count(_tested(test)) == 0
	found := violations.deny("nothing_tested", test, "groups", [], "at least one attribute")
}

violation contains found if {
	some test in _tests
	some attribute in _tested(test)
	names := {group.group | some group in _groups(test); group.attribute == attribute}
	count(names) < 2
	found := violations.deny("group_alone", test, "groups", attribute, "two groups")
}

violation contains found if {
	some test in _tests
	names := [[group.attribute, group.group] | some group in _groups(test)]

	# Only where one stands twice is it looked for, which takes long.
	count(names) > count({name | some name in names})
	some name in names
	count([1 | some other in names; other == name]) > 1
	found := violations.deny("group_repeated", test, "groups", name, "each group once")
}

violation contains found if {
	some test in _tests
	some group in _groups(test)
	not _consistent(group)
	found := violations.deny("counts_contradict", test, "groups", _label(group), "parts that fit their whole")
}

violation contains found if {
	some test in _tests
	some gap in _selection_gaps(_large(test))
	required := threshold.value("NDQ-02", "ratio_min_percent")
	found := _unless_justified("selection_ratio_low", test, gap, required)
}

violation contains found if {
	some test in _tests
	some gap in _error_gaps(test, _false_negative_rate)
	required := threshold.value("NDQ-02", "gap_max_percent")
	found := _unless_justified("wrongly_refused_gap", test, gap, required)
}

# Whoever is wrongly refused is harmed; whoever is wrongly selected may be, so that gap is shown and does not deny.
violation contains found if {
	some test in _tests
	some gap in _error_gaps(test, _false_positive_rate)
	required := threshold.value("NDQ-02", "gap_max_percent")
	found := violations.warn("wrongly_selected_gap", test, "groups", gap, required)
}

# A rate of few persons swings by chance: it is shown as unmeasured instead of compared.
violation contains found if {
	some test in _tests
	some rate in _error_rates
	least := threshold.value("NDQ-02", "min_group_n")
	small := sort({_label(group) |
		some group in _groups(test)
		group.n >= least
		group[rate.whole] < least
	})
	count(small) > 0
	found := violations.warn("error_rate_small", test, "groups", {"groups": small, "rate": rate.name}, least)
}

violation contains found if {
	some test in _tests
	least := threshold.value("NDQ-02", "min_group_n")
	small := sort({_label(group) | some group in _groups(test); group.n < least})
	count(small) > 0
	found := violations.warn("group_small", test, "groups", small, least)
}

violation contains found if {
	some test in _tests
	some group in _groups(test)
	lacking := [field |
		some rate in _error_rates
		some field in [rate.part, rate.whole]
		not is_number(object.get(group, field, null))
	]
	count(lacking) > 0
	value := {"group": _label(group), "lacking": lacking}
	found := violations.warn("error_rates_missing", test, "groups", value, "false negatives and false positives")
}

_false_negative_rate := {"name": "false_negative_rate", "part": "false_negatives", "whole": "positives"}

_false_positive_rate := {"name": "false_positive_rate", "part": "false_positives", "whole": "negatives"}

_error_rates := [_false_negative_rate, _false_positive_rate]

_groups(test) := fields.list(test.predicate, "groups")

_label(group) := concat(": ", [fields.text(group, "attribute"), fields.text(group, "group")])

_tested(test) := sort({group.attribute | some group in _groups(test)})

_excluded(test) := [entry.attribute |
	some entry in fields.list(test.predicate, "attributes_excluded")
	fields.text(entry, "reason") != ""
]

# What does not add up says nothing about shares.
_consistent(group) if {
	is_number(group.n)
	group.selected >= 0
	group.selected <= group.n
	every rate in _error_rates {
		_fits(group, rate)
	}
	_adds_up(group)
}

_fits(group, rate) if {
	whole := object.get(group, rate.whole, group.n)
	whole <= group.n
	object.get(group, rate.part, 0) <= whole
}

_adds_up(group) if ratio.complete(group.positives, group.negatives, group.n)

_adds_up(group) if count({"negatives", "positives"} & object.keys(group)) < 2

# Groups that are large enough to measure, with one of their rates.
_large(test) := _shares(test, "selected", "n")

_shares(test, part, whole) := [share |
	some group in _groups(test)
	group[whole] >= threshold.value("NDQ-02", "min_group_n")
	share := {"attribute": group.attribute, "group": group.group, "share": {"part": group[part], "whole": group[whole]}}
]

# Groups are compared with those of the same attribute only.
_by_attribute(shares) := [same |
	some attribute in {share.attribute | some share in shares}
	same := [share | some share in shares; share.attribute == attribute]
]

_selection_gaps(shares) := [gap |
	percent := threshold.value("NDQ-02", "ratio_min_percent")
	some same in _by_attribute(shares)
	other := [best | some best in same; not _exceeded(best, same)][0]
	some one in same
	ratio.below_percent_of(one.share, other.share, percent)
	gap := _gap("selection_rate", one, other)
]

_error_gaps(test, rate) := [gap |
	percent := threshold.value("NDQ-02", "gap_max_percent")
	some same in _by_attribute(_shares(test, rate.part, rate.whole))
	other := [lowest | some lowest in same; not _undercut(lowest, same)][0]
	some one in same
	ratio.exceeds_by_points(one.share, other.share, percent)
	gap := _gap(rate.name, one, other)
]

_gap(rate, one, other) := {
	"rate": rate,
	"attribute": one.attribute,
	"group": one.group,
	"share": one.share,
	"other_group": other.group,
	"other_share": other.share,
}

_exceeded(candidate, shares) if {
	some one in shares
	ratio.greater(one.share, candidate.share)
}

_undercut(candidate, shares) if {
	some one in shares
	ratio.greater(candidate.share, one.share)
}

_unless_justified(code, test, gap, required) := violations.warn(code, test, "groups", gap, required) if {
	_justified(test)
} else := violations.deny(code, test, "groups", gap, required)

_justified(test) if {
	fields.has_document(test.predicate, "mitigation")
	fields.text(test.predicate, "threshold_justification") != ""
}
