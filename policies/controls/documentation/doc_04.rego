# METADATA
# title: DOC-04 Conformity in the EU
# description: |
#   A provider of a high-risk system has quality management, conformity assessment, declaration, marking and
#   registration; a public deployer uses only what is registered.
package qaqpa.controls.doc_04

import data.qaqpa.context
import data.qaqpa.evidence
import data.qaqpa.fields
import data.qaqpa.violation as violations

_records := evidence.judged("eu_conformity")

_procedures := ["annex_vi", "annex_vii", "sectoral"]

_distributing := ["distributor", "importer"]

# METADATA
# description: |
#   The fields of the context by which the control does not apply. A prohibited class is stricter than high, so it owes
#   no less.
not_applicable_because contains "jurisdictions" if {
	places := context.jurisdictions
	not "EU" in places
}

not_applicable_because contains "eu_class" if context.eu_class in ["minimal", "not_applicable", "transparency"]

# METADATA
# description: What is wrong.
violation contains found if {
	some record in _records
	_provides(record)
	not fields.has_document(record.predicate, "qms")
	found := violations.deny("qms_missing", record, "qms", "", "uri, sha256")
}

violation contains found if {
	some record in _records
	_provides(record)
	procedure := fields.text(record.predicate, "conformity_procedure")
	not procedure in _procedures
	found := violations.deny("procedure_missing", record, "conformity_procedure", procedure, _procedures)
}

violation contains found if {
	some record in _records
	fields.text(record.predicate, "conformity_procedure") == "annex_vii"
	fields.text(record.predicate, "notified_body_id") == ""
	found := violations.deny("notified_body_missing", record, "notified_body_id", "", "a number")
}

violation contains found if {
	some record in _records
	not fields.has_document(record.predicate, "declaration")
	found := _by_role("declaration_missing", record, "declaration", "", "uri, sha256")
}

violation contains found if {
	some record in _records
	marked := object.get(record.predicate, "ce_marking", false)
	marked != true
	found := _by_role("ce_marking_missing", record, "ce_marking", marked, true)
}

violation contains found if {
	context.eu_class != "high_risk_annex_i"
	some record in _records
	_provides(record)
	_unregistered(record)
	found := violations.deny("registration_missing", record, "database_registration_id", "", "a number")
}

violation contains found if {
	context.eu_class == "high_risk_annex_i"
	some record in _records
	_provides(record)
	_unregistered(record)
	found := violations.warn("registration_unclear", record, "database_registration_id", "", "a number")
}

violation contains found if {
	context.public_sector
	some record in _records
	_role(record) == "deployer"
	_unregistered(record)
	found := violations.deny("used_unregistered", record, "database_registration_id", "", "a number")
}

_role(record) := fields.text(record.predicate, "role")

# Whoever does not say to be somebody else counts as the provider.
_provides(record) if not _role(record) in ["deployer", "distributor", "importer"]

_unregistered(record) if fields.text(record.predicate, "database_registration_id") == ""

# The provider has to make it; who only passes the system on has to see it.
_by_role(code, record, field, found, required) := violations.deny(code, record, field, found, required) if {
	_provides(record)
} else := violations.warn(code, record, field, found, required) if {
	_role(record) in _distributing
}
