# METADATA
# title: DPB-04 Purpose, minimisation, retention and records
# description: |
#   Personal data have purposes that were fixed before, features that are needed for them, an end, somebody who answers
#   for them, and an entry in a register.
package qaqpa.controls.dpb_04

import data.qaqpa.context
import data.qaqpa.dates
import data.qaqpa.evidence
import data.qaqpa.fields
import data.qaqpa.violation as violations

_records := evidence.judged("processing_record")

# METADATA
# description: The fields of the context by which the control does not apply.
not_applicable_because contains "personal_data" if context.personal_data == false

# METADATA
# description: What is wrong.
violation contains found if {
	some record in _records
	count(fields.texts(record.predicate, "purposes")) == 0
	found := violations.deny("purposes_missing", record, "purposes", [], "at least one")
}

# Features that nobody listed cannot be judged; a model that has none from personal data says so with an empty list.
violation contains found if {
	some record in _records
	not is_array(object.get(record.predicate, "features", null))
	found := violations.deny("features_missing", record, "features", "", "a list")
}

violation contains found if {
	some record in _records
	some feature in fields.list(record.predicate, "features")
	fields.text(feature, "purpose") == ""
	name := fields.text(feature, "feature")
	found := violations.deny("feature_purpose_missing", record, "features/purpose", name, "a purpose")
}

violation contains found if {
	some record in _records
	some feature in fields.list(record.predicate, "features")
	fields.text(feature, "justification") == ""
	name := fields.text(feature, "feature")
	found := violations.deny("feature_justification_missing", record, "features/justification", name, "a justification")
}

violation contains found if {
	some record in _records
	count(_retained(record)) == 0
	found := violations.deny("retention_missing", record, "retention", [], "at least one")
}

violation contains found if {
	some record in _records
	some data_set in _retained(record)
	fields.text(data_set, "delete_on_event") == ""
	object.get(data_set, "delete_by", null) == null
	name := fields.text(data_set, "data_set")
	found := violations.deny("retention_open", record, "retention", name, "a day or an event")
}

violation contains found if {
	some record in _records
	some data_set in _retained(record)
	object.get(data_set, "delete_by", null) != null
	last := fields.moment(data_set, "delete_by")
	not dates.not_ended(last)
	value := {"data_set": fields.text(data_set, "data_set"), "delete_by": last.text}
	found := violations.deny("retention_passed", record, "retention/delete_by", value, input.now.text)
}

# Courts need none, and only a context that says both shows one: others work in that field too.
violation contains found if {
	not _is_court
	some record in _records
	person := fields.record_in(record.predicate, "responsible_person")
	lacking := [field | some field in ["contact", "post"]; fields.text(person, field) == ""]
	count(lacking) > 0
	found := violations.deny("responsible_person_missing", record, "responsible_person", lacking, ["contact", "post"])
}

violation contains found if {
	"KZ" in context.jurisdictions
	some record in _records
	not fields.has_document(record.predicate, "list_approval")
	found := violations.deny("kz_list_approval_missing", record, "list_approval", "", "uri, sha256")
}

violation contains found if {
	"KZ" in context.jurisdictions
	some record in _records
	not fields.has_document(record.predicate, "policy")
	found := violations.deny("kz_policy_missing", record, "policy", "", "uri, sha256")
}

violation contains found if {
	"KZ" in context.jurisdictions
	some record in _records
	_may_be_large(record)
	filed := fields.text(record.predicate, "kz_notification")
	filed != "filed"
	found := violations.deny("kz_notification_missing", record, "kz_notification", filed, "filed")
}

violation contains found if {
	"KZ" in context.jurisdictions
	some record in _records
	not _may_be_large(record)
	filed := fields.text(record.predicate, "kz_notification")
	not filed in ["filed", "not_required"]
	found := violations.warn("kz_notification_unclear", record, "kz_notification", filed, ["filed", "not_required"])
}

violation contains found if {
	"EU" in context.jurisdictions
	some record in _records
	fields.text(record.predicate, "register_entry") == ""
	found := violations.deny("eu_register_entry_missing", record, "register_entry", "", "an entry")
}

_is_court if {
	context.domain == "justice"
	context.said("public_sector") == true
}

_retained(record) := fields.list(record.predicate, "retention")

# A class that is unknown counts as large.
_may_be_large(record) if {
	class := fields.text(record.predicate, "kz_operator_class")
	not class in ["medium", "small"]
}
