# METADATA
# title: PRO-01 Prohibited functions and high autonomy in Kazakhstan
# description: |
#   A lawyer has ruled out each of the seven prohibited functions and high autonomy, or has named the law that allows
#   them where there can be one, and does not contradict what other controls find about personal data.
package qaqpa.controls.pro_01

import data.qaqpa.context
import data.qaqpa.controls.dpb_01
import data.qaqpa.controls.dpb_05
import data.qaqpa.dates
import data.qaqpa.evidence
import data.qaqpa.fields
import data.qaqpa.threshold
import data.qaqpa.violation as violations

_screens := evidence.judged("kz_screen")

_items := [1, 2, 3, 4, 5, 6, 7]

# The items with exceptions that a law may provide for.
_with_exception := [3, 6]

_answers := ["exception", "no", "yes"]

# Fields of use in which persons are commonly rated.
_rating_domains := ["credit_scoring", "hr", "law_enforcement", "social_payments", "unknown"]

# METADATA
# description: The fields of the context by which the control does not apply.
not_applicable_because contains "jurisdictions" if not "KZ" in context.jurisdictions

# METADATA
# description: What is wrong.
violation contains found if {
	some screen in _screens
	answered := [entry.item | some entry in _entries(screen); fields.text(entry, "answer") in _answers]
	lacking := fields.lacking(answered, _items)
	count(lacking) > 0
	found := violations.deny("item_missing", screen, "items", lacking, _items)
}

violation contains found if {
	some screen in _screens
	some entry in _entries(screen)
	fields.text(entry, "answer") == "yes"
	found := violations.deny("function_prohibited", screen, "items/answer", _item(entry), "no")
}

violation contains found if {
	some screen in _screens
	some entry in _entries(screen)
	fields.text(entry, "answer") == "exception"
	not _item(entry) in _with_exception
	found := violations.deny("exception_not_possible", screen, "items/answer", _item(entry), _with_exception)
}

violation contains found if {
	some screen in _screens
	some entry in _entries(screen)
	fields.text(entry, "answer") == "exception"
	_item(entry) in _with_exception
	fields.text(entry, "law_ref") == ""
	found := violations.deny("exception_without_law", screen, "items/law_ref", _item(entry), "a law")
}

violation contains found if {
	_rates_persons
	some screen in _screens
	some entry in _entries(screen)
	_item(entry) == 3
	fields.text(entry, "answer") == "no"
	fields.text(entry, "reason") == ""
	found := violations.deny("scoring_without_reason", screen, "items/reason", context.domain, "a reason")
}

violation contains found if {
	count(_breaches) > 0
	some screen in _screens
	some entry in _entries(screen)
	_item(entry) == 4
	fields.text(entry, "answer") == "no"
	found := violations.deny("data_protection_contradicts", screen, "items/answer", _breaches, [])
}

violation contains found if {
	some screen in _screens
	_may_be_high(screen)
	fields.text(screen.predicate, "high_autonomy_law_ref") == ""
	value := {
		"screen": _given(object.get(screen.predicate, "high_autonomy", null)),
		"context": _given(context.said("kz_autonomy")),
	}
	found := violations.deny("high_autonomy_without_law", screen, "high_autonomy_law_ref", value, "a law")
}

violation contains found if {
	some screen in _screens
	fields.text(screen.predicate, "screened_by") == ""
	found := violations.warn("screener_missing", screen, "screened_by", "", "a lawyer")
}

violation contains found if {
	some screen in _screens
	screened := fields.moment(screen.predicate, "screened_on")
	days := threshold.value("PRO-01", "max_age_days")
	not dates.within_days(screened, days)
	found := violations.deny("screen_out_of_date", screen, "screened_on", screened.text, days)
}

_entries(screen) := fields.list(screen.predicate, "items")

_item(entry) := object.get(entry, "item", 0)

_rates_persons if context.domain in _rating_domains

_rates_persons if context.scores_persons

# Nobody said that a person can put a result right: then nobody can.
_may_be_high(screen) if object.get(screen.predicate, "high_autonomy", true) != false

_may_be_high(_) if context.kz_autonomy == "high"

# What was said, as an array; an empty one is shown as "none", so that no default looks as if somebody had said it.
_given(said) := [said | said != null]

# What contradicts a lawyer who says that personal data are used within the law. Paper that is missing does not, nor
# does what other jurisdictions ask.
_breaches := sort(_of_basis | _of_place)

_of_basis := {violation.code |
	count(dpb_01.not_applicable_because) == 0
	some violation in dpb_01.violation
	violation.code in ["kz_basis_unsuitable", "kz_no_basis", "no_basis"]
}

_of_place := {violation.code |
	count(dpb_05.not_applicable_because) == 0
	some violation in dpb_05.violation
	violation.code in ["storage_abroad", "transfer_without_ground"]
}
