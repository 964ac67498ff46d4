# METADATA
# title: DPB-05 Storage location and cross-border transfer
# description: |
#   Personal data are kept where the law of their place wants them, and go abroad only on a ground for it. A call to
#   somebody else's model counts as a transfer to the country that answers.
package qaqpa.controls.dpb_05

import data.qaqpa.context
import data.qaqpa.evidence
import data.qaqpa.fields
import data.qaqpa.violation as violations

_records := evidence.judged("data_location")

_kz_grounds := ["adequate_state", "consent", "law", "treaty"]

_eu_mechanisms := ["adequacy", "binding_corporate_rules", "derogation", "standard_clauses"]

# The European Economic Area, within which nothing is a transfer.
_eea := [
	"AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR", "HR", "HU", "IE", "IS", "IT", "LI", "LT",
	"LU", "LV", "MT", "NL", "NO", "PL", "PT", "RO", "SE", "SI", "SK",
]

# METADATA
# description: The fields of the context by which the control does not apply.
not_applicable_because contains "personal_data" if context.personal_data == false

# METADATA
# description: What is wrong.
violation contains found if {
	some record in _records
	count(fields.texts(record.predicate, "countries")) == 0
	found := violations.deny("countries_missing", record, "countries", [], "at least one")
}

violation contains found if {
	"KZ" in context.jurisdictions
	some record in _records
	fields.text(record.predicate, "kz_storage_country") == ""
	found := violations.deny("kz_storage_unknown", record, "kz_storage_country", "", "KZ")
}

violation contains found if {
	"KZ" in context.jurisdictions
	some record in _records
	country := fields.text(record.predicate, "kz_storage_country")
	not country in ["", "KZ"]
	found := violations.deny("storage_abroad", record, "kz_storage_country", country, "KZ")
}

violation contains found if {
	"KZ" in context.jurisdictions
	some record in _records
	abroad := _outside(record, ["KZ"])
	count(abroad) > 0
	not fields.text(record.predicate, "kz_ground") in _kz_grounds
	found := violations.deny("transfer_without_ground", record, "kz_ground", abroad, _kz_grounds)
}

violation contains found if {
	"KZ" in context.jurisdictions
	some record in _records
	logged := object.get(record.predicate, "transfer_log", false)
	logged != true
	found := violations.deny("kz_transfer_log_missing", record, "transfer_log", logged, true)
}

violation contains found if {
	"KZ" in context.jurisdictions
	some record in _records
	restricted := object.get(record.predicate, "restricted_data", true)
	restricted != false
	here := object.get(record.predicate, "kz_local_system", false)
	here != true
	found := violations.warn("kz_local_system_missing", record, "kz_local_system", here, true)
}

violation contains found if {
	"EU" in context.jurisdictions
	some record in _records
	outside := _outside(record, _eea)
	count(outside) > 0
	not fields.text(record.predicate, "eu_mechanism") in _eu_mechanisms
	found := violations.deny("eu_transfer_without_ground", record, "eu_mechanism", outside, _eu_mechanisms)
}

# The countries that personal data go to and that are not at home, as a sorted array; "" where a country is not named.
_outside(record, home) := sort({country |
	some country in array.concat(fields.texts(record.predicate, "countries"), _called(record))
	not country in home
})

# A call counts unless the record says that no personal data go with it.
_called(record) := [fields.text(call, "country") |
	some call in fields.list(record.predicate, "external_apis")
	object.get(call, "personal_data", true) != false
]
