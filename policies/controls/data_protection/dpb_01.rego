# METADATA
# title: DPB-01 Legal basis for personal data
# description: |
#   Every use of personal data rests on a basis that its jurisdiction knows, and where that is consent, on a form that
#   says what it must.
package qaqpa.controls.dpb_01

import data.qaqpa.context
import data.qaqpa.evidence
import data.qaqpa.fields
import data.qaqpa.threshold
import data.qaqpa.violation as violations

_records := evidence.judged("legal_basis")

_phases := ["inference", "testing", "training"]

_kz_bases := ["consent", "kz_art9"]

_eu_bases := ["consent", "contract", "legal_obligation", "legitimate_interest", "public_task", "vital_interest"]

_consent_fields := [
	"cross_border",
	"data_list",
	"operator_name_bin",
	"publication",
	"subject_name",
	"term",
	"third_party_transfer",
]

# METADATA
# description: The fields of the context by which the control does not apply.
not_applicable_because contains "personal_data" if context.personal_data == false

# METADATA
# description: What is wrong.
violation contains found if {
	some record in _records
	some phase in _phases_in_use(record)

	# Nothing at all is one violation that every place's law asks about, whichever places the context names.
	not _has_basis(_entries(record, "OTHER"), phase)
	value := {"phase": phase, "jurisdiction": _places}
	found := violations.deny("no_basis", record, "bases", value, "a basis")
}

violation contains found if {
	some record in _records
	some phase in _phases_in_use(record)
	_has_basis(_entries(record, "OTHER"), phase)
	some place in _places
	not _has_basis(_entries(record, place), phase)
	value := {"phase": phase, "jurisdiction": place}
	found := violations.deny(_without_basis(place), record, "bases", value, "a basis")
}

violation contains found if {
	"KZ" in _places
	some record in _records
	some entry in _entries(record, "KZ")
	not fields.text(entry, "basis") in _kz_bases
	found := violations.deny("kz_basis_unsuitable", record, "bases/basis", _label(entry), _kz_bases)
}

violation contains found if {
	"KZ" in _places
	some record in _records
	some entry in _entries(record, "KZ")
	fields.text(entry, "basis") == "kz_art9"
	lacking := [field | some field in ["kz_art9_item", "law_ref"]; fields.text(entry, field) == ""]
	count(lacking) > 0
	value := {"phase": fields.text(entry, "phase"), "lacking": lacking}
	found := violations.deny("kz_ground_incomplete", record, "bases", value, ["kz_art9_item", "law_ref"])
}

violation contains found if {
	some record in _records_with_kz_consent
	present := fields.texts(_consent(record), "fields_present")
	lacking := [field | some field in _consent_fields; not field in present]
	count(lacking) > 0
	found := violations.deny("kz_consent_field_missing", record, "consent/fields_present", lacking, _consent_fields)
}

violation contains found if {
	some record in _records_with_kz_consent
	days := object.get(_consent(record), "withdrawal_working_days", "")
	threshold.above("DPB-01", "kz_withdrawal_working_days", days)
	required := threshold.value("DPB-01", "kz_withdrawal_working_days")
	found := violations.deny(_withdrawal_code(days), record, "consent/withdrawal_working_days", days, required)
}

violation contains found if {
	some record in _records_with_kz_consent
	not fields.has_document(_consent(record), "template")
	found := violations.deny("kz_consent_template_missing", record, "consent/template", "", "uri, sha256")
}

violation contains found if {
	some record in _records_with_kz_consent
	not fields.has_document(_consent(record), "proof_store")
	found := violations.warn("kz_consent_proof_missing", record, "consent/proof_store", "", "uri, sha256")
}

violation contains found if {
	"EU" in _places
	some record in _records
	some entry in _entries(record, "EU")
	not fields.text(entry, "basis") in _eu_bases
	found := violations.deny("eu_basis_unsuitable", record, "bases/basis", _label(entry), _eu_bases)
}

violation contains found if {
	some record in _records
	some entry in _eu_interests(record)
	not fields.has_document(entry, "interest_assessment")
	phase := fields.text(entry, "phase")
	found := violations.deny("eu_interest_assessment_missing", record, "bases/interest_assessment", phase, "uri, sha256")
}

violation contains found if {
	context.public_sector
	some record in _records
	some entry in _eu_interests(record)
	found := violations.deny("eu_interest_of_state_body", record, "bases/basis", _label(entry), "another basis")
}

# The places whose law asks for a basis of its own; where there is none of them, any entry will do.
_places := sort({place | some place in context.jurisdictions; place in {"EU", "KZ"}} | _elsewhere)

_elsewhere contains "OTHER" if {
	not "EU" in context.jurisdictions
	not "KZ" in context.jurisdictions
}

_without_basis(place) := "eu_no_basis" if {
	place == "EU"
} else := "kz_no_basis"

_has_basis(entries, phase) if {
	some entry in entries
	fields.text(entry, "phase") == phase
	fields.text(entry, "basis") != ""
}

# Nothing said, or something unknown, means every phase.
_phases_in_use(record) := phases if {
	phases := fields.list(record.predicate, "phases")
	count(phases) > 0
	every phase in phases {
		phase in _phases
	}
} else := _phases

_entries(record, place) := [entry |
	some entry in fields.list(record.predicate, "bases")
	place in {"OTHER", fields.text(entry, "jurisdiction")}
]

_consent(record) := fields.record_in(record.predicate, "consent")

_records_with_kz_consent := [record |
	"KZ" in _places
	some record in _records
	bases := [fields.text(entry, "basis") | some entry in _entries(record, "KZ")]
	"consent" in bases
]

_eu_interests(record) := [entry |
	"EU" in _places
	some entry in _entries(record, "EU")
	fields.text(entry, "basis") == "legitimate_interest"
]

_withdrawal_code(days) := "kz_withdrawal_slow" if {
	is_number(days)
} else := "kz_withdrawal_missing"

_label(entry) := {"phase": fields.text(entry, "phase"), "basis": fields.text(entry, "basis")}
