# METADATA
# title: PRO-02 Prohibited practices in the EU
# description: |
#   A lawyer has ruled out each of the ten prohibited practices, or given the reason for an exception where there can be
#   one. The two practices that were added later have codes of their own. Neither the context nor the classification
#   says itself that the system is prohibited.
package qaqpa.controls.pro_02

import data.qaqpa.context
import data.qaqpa.dates
import data.qaqpa.evidence
import data.qaqpa.fields
import data.qaqpa.threshold
import data.qaqpa.violation as violations

_screens := evidence.judged("eu_screen")

_points := ["a", "b", "c", "d", "e", "f", "g", "h"]

_later_points := ["ba", "bb"]

_with_exception := ["f", "h"]

_answers := ["exception", "no", "yes"]

# METADATA
# description: The fields of the context by which the control does not apply.
not_applicable_because contains "jurisdictions" if {
	not "EU" in context.jurisdictions
	not _class_prohibited
}

# METADATA
# description: What is wrong.
violation contains found if {
	some screen in _screens
	lacking := fields.lacking(_answered(screen), _points)
	count(lacking) > 0
	found := violations.deny("point_missing", screen, "items", lacking, _points)
}

violation contains found if {
	some screen in _screens
	lacking := fields.lacking(_answered(screen), _later_points)
	count(lacking) > 0
	found := violations.deny("ba_bb_missing", screen, "items", lacking, _later_points)
}

violation contains found if {
	some screen in _screens
	some entry in _answering(screen, "yes")
	point := fields.text(entry, "point")
	not point in _later_points
	found := violations.deny("practice_prohibited", screen, "items/answer", point, "no")
}

violation contains found if {
	some screen in _screens
	some entry in _answering(screen, "yes")
	point := fields.text(entry, "point")
	point in _later_points
	found := violations.deny("ba_bb_prohibited", screen, "items/answer", point, "no")
}

violation contains found if {
	some screen in _screens
	some entry in _answering(screen, "exception")
	point := fields.text(entry, "point")
	not point in array.concat(_later_points, _with_exception)
	found := violations.deny("exception_not_possible", screen, "items/answer", point, _with_exception)
}

violation contains found if {
	some screen in _screens
	some entry in _answering(screen, "exception")
	point := fields.text(entry, "point")
	point in _later_points
	found := violations.deny("ba_bb_exception_not_possible", screen, "items/answer", point, _with_exception)
}

violation contains found if {
	some screen in _screens
	some entry in _answering(screen, "exception")
	point := fields.text(entry, "point")
	point in _with_exception
	fields.text(entry, "reason") == ""
	found := violations.deny("exception_without_reason", screen, "items/reason", point, "a reason")
}

violation contains found if {
	_class_prohibited
	some screen in _screens
	found := violations.deny("eu_class_prohibited", screen, "eu_class", "prohibited", "a class that is allowed")
}

violation contains found if {
	some screen in _screens
	fields.text(screen.predicate, "screened_by") == ""
	found := violations.warn("screener_missing", screen, "screened_by", "", "a lawyer")
}

violation contains found if {
	some screen in _screens
	screened := fields.moment(screen.predicate, "screened_on")
	days := threshold.value("PRO-02", "max_age_days")
	not dates.within_days(screened, days)
	found := violations.deny("screen_out_of_date", screen, "screened_on", screened.text, days)
}

# Whoever says so is believed, wherever the system is used; what the screen answers does not outweigh it.
_class_prohibited if context.eu_class == "prohibited"

_class_prohibited if {
	some record in evidence.judged("classification")
	fields.text(record.predicate, "eu_class") == "prohibited"
}

_entries(screen) := fields.list(screen.predicate, "items")

_answering(screen, answer) := [entry | some entry in _entries(screen); fields.text(entry, "answer") == answer]

_answered(screen) := [fields.text(entry, "point") |
	some entry in _entries(screen)
	fields.text(entry, "answer") in _answers
]
