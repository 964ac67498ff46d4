# METADATA
# title: DPB-02 Special categories and biometrics
# description: |
#   Every special category of personal data rests on a condition of its own, is kept encrypted and open to few, and is
#   used to find bias, to decide without a person, or in public places only under the conditions for that.
package qaqpa.controls.dpb_02

import data.qaqpa.automation
import data.qaqpa.context
import data.qaqpa.evidence
import data.qaqpa.fields
import data.qaqpa.violation as violations

_records := evidence.judged("special_data")

_kz_conditions := ["consent", "law"]

_eu_conditions := [
	"association",
	"employment_law",
	"explicit_consent",
	"health_care",
	"legal_claims",
	"made_public",
	"public_health",
	"research",
	"substantial_public_interest",
	"vital_interest",
]

# The only ones under which a decision may be taken without a person.
_eu_automated := ["explicit_consent", "substantial_public_interest"]

_eu_bias := [
	"access_controlled",
	"deleted_in_time",
	"necessity_recorded",
	"not_passed_on",
	"other_data_insufficient",
	"reuse_limited",
]

# METADATA
# description: The fields of the context by which the control does not apply.
not_applicable_because contains "special_category" if context.special_category == false

# METADATA
# description: What is wrong.
violation contains found if {
	some record in _records
	count(_categories(record)) == 0
	found := violations.deny("categories_missing", record, "categories", [], "at least one")
}

violation contains found if {
	"KZ" in context.jurisdictions
	some record in _records
	some category in _categories(record)
	_has_any_condition(category)
	not fields.text(category, "kz_condition") in _kz_conditions
	value := _label(category, "kz_condition")
	found := violations.deny("kz_condition_missing", record, "categories/kz_condition", value, _kz_conditions)
}

violation contains found if {
	"KZ" in context.jurisdictions
	some record in _records
	some category in _categories(record)
	fields.text(category, "kz_condition") == "law"
	fields.text(category, "kz_law_ref") == ""
	name := fields.text(category, "category")
	found := violations.deny("kz_law_missing", record, "categories/kz_law_ref", name, "a law")
}

violation contains found if {
	"EU" in context.jurisdictions
	some record in _records
	some category in _categories(record)
	_has_any_condition(category)
	not fields.text(category, "eu_condition") in _eu_conditions
	value := _label(category, "eu_condition")
	found := violations.deny("eu_condition_missing", record, "categories/eu_condition", value, _eu_conditions)
}

# Nothing at all is one violation that every place's law asks about, whichever places the context names.
violation contains found if {
	some record in _records
	some category in _categories(record)
	not _has_any_condition(category)
	name := fields.text(category, "category")
	found := violations.deny("condition_missing", record, "categories/other_condition", name, "a condition")
}

violation contains found if {
	"EU" in context.jurisdictions
	_decides_alone
	some record in _records
	used := object.get(record.predicate, "used_in_decisions", true)
	used != false
	some category in _categories(record)
	not fields.text(category, "eu_condition") in _eu_automated
	value := _label(category, "eu_condition")
	found := violations.deny("eu_automated_without_condition", record, "categories/eu_condition", value, _eu_automated)
}

violation contains found if {
	"EU" in context.jurisdictions
	some record in _records
	used := object.get(record.predicate, "used_for_bias_testing", true)
	used != false
	met := fields.record_in(record.predicate, "bias_testing")
	unmet := sort([condition | some condition in _eu_bias; object.get(met, condition, false) != true])
	count(unmet) > 0
	found := violations.deny("eu_bias_condition_unmet", record, "bias_testing", unmet, _eu_bias)
}

violation contains found if {
	"KZ" in context.jurisdictions
	some record in _records
	used := object.get(record.predicate, "public_place_biometrics", true)
	used != false
	fields.text(record.predicate, "public_place_ground") == ""
	found := violations.deny("kz_public_place_ground_missing", record, "public_place_ground", used, "consent or a law")
}

violation contains found if {
	some record in _records
	encrypted := object.get(record.predicate, "encrypted", false)
	encrypted != true
	found := violations.deny("encryption_missing", record, "encrypted", encrypted, true)
}

violation contains found if {
	some record in _records
	count(fields.texts(record.predicate, "access_roles")) == 0
	found := violations.deny("access_roles_missing", record, "access_roles", [], "at least one")
}

_categories(record) := fields.list(record.predicate, "categories")

_label(category, field) := {"category": fields.text(category, "category"), "condition": fields.text(category, field)}

_decides_alone if {
	automation.decides_alone(context.automation)
	context.significant_decision
}

# Outside Kazakhstan and the EU any condition will do.
_has_any_condition(category) if {
	some field in ["eu_condition", "kz_condition", "other_condition"]
	fields.text(category, field) != ""
}
