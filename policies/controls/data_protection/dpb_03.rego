# METADATA
# title: DPB-03 Ground for fully automated decisions
# description: |
#   Where nobody takes part in a decision on the rights of a person, it rests on a ground that its jurisdiction knows,
#   and on the safeguards that belong to that ground. A person who can change nothing takes no part.
package qaqpa.controls.dpb_03

import data.qaqpa.automation
import data.qaqpa.context
import data.qaqpa.evidence
import data.qaqpa.fields
import data.qaqpa.violation as violations

_records := evidence.judged("automated_decision")

_kz_grounds := ["consent", "law"]

_eu_grounds := ["contract", "explicit_consent", "law"]

_eu_special := ["explicit_consent", "substantial_public_interest"]

_safeguards := ["contest", "express_view", "human_intervention"]

# METADATA
# description: |
#   The fields of the context by which the control does not apply. A context that speaks of a person does not count
#   where evidence says that nobody decides, or that whoever does can only confirm.
not_applicable_because contains "affects_rights" if context.affects_rights == false

not_applicable_because contains "personal_data" if context.personal_data == false

not_applicable_because contains "automation" if not automation.decides_alone(context.automation)

# METADATA
# description: What is wrong.
violation contains found if {
	"KZ" in context.jurisdictions
	some record in _records
	_has_any_ground(record)
	ground := fields.text(record.predicate, "kz_ground")
	not ground in _kz_grounds
	found := violations.deny("kz_no_ground", record, "kz_ground", ground, _kz_grounds)
}

violation contains found if {
	"KZ" in context.jurisdictions
	some record in _records
	fields.text(record.predicate, "kz_ground") == "law"
	fields.text(record.predicate, "kz_law_ref") == ""
	found := violations.deny("kz_law_missing", record, "kz_law_ref", "", "a law")
}

# Where nobody can put a result right, consent is not enough.
violation contains found if {
	"KZ" in context.jurisdictions
	some record in _records
	fields.text(record.predicate, "kz_ground") == "consent"
	not _can_be_changed(record)
	found := violations.deny("kz_correction_without_law", record, "person_can_change_result", "consent", "law")
}

violation contains found if {
	"EU" in context.jurisdictions
	some record in _records
	_has_any_ground(record)
	ground := fields.text(record.predicate, "eu_ground")
	not ground in _eu_grounds
	found := violations.deny("eu_no_ground", record, "eu_ground", ground, _eu_grounds)
}

violation contains found if {
	"EU" in context.jurisdictions
	some record in _records
	fields.text(record.predicate, "eu_ground") == "law"
	fields.text(record.predicate, "eu_law_ref") == ""
	found := violations.deny("eu_law_missing", record, "eu_law_ref", "", "a law")
}

violation contains found if {
	"EU" in context.jurisdictions
	some record in _records
	fields.text(record.predicate, "eu_ground") in ["contract", "explicit_consent"]
	lacking := fields.lacking(_real_safeguards(record), _safeguards)
	count(lacking) > 0
	found := violations.deny("eu_safeguard_missing", record, "safeguards", lacking, _safeguards)
}

violation contains found if {
	"EU" in context.jurisdictions
	some record in _records
	used := object.get(record.predicate, "uses_special_category", true)
	used != false
	condition := fields.text(record.predicate, "eu_special_condition")
	not condition in _eu_special
	found := violations.deny("eu_special_without_condition", record, "eu_special_condition", condition, _eu_special)
}

# Nothing at all is one violation that every place's law asks about, whichever places the context names.
violation contains found if {
	some record in _records
	not _has_any_ground(record)
	found := violations.deny("no_ground", record, "other_ground", "", "a ground")
}

_can_be_changed(record) if record.predicate.person_can_change_result == true

# Somebody who can change nothing does not intervene.
_real_safeguards(record) := [safeguard |
	some safeguard in fields.texts(record.predicate, "safeguards")
	_is_real(safeguard, record)
]

_is_real(safeguard, _) if safeguard != "human_intervention"

_is_real("human_intervention", record) if _can_be_changed(record)

# Outside Kazakhstan and the EU any ground will do.
_has_any_ground(record) if {
	some field in ["eu_ground", "kz_ground", "other_ground"]
	not fields.text(record.predicate, field) in ["", "none"]
}
