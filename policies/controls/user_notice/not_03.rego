# METADATA
# title: NOT-03 User agreement and support
# description: |
#   Users can read the agreement before the first use; it says what the system is for, what its limits are, and how to
#   get explanations, information about data, and help.
package qaqpa.controls.not_03

import data.qaqpa.context
import data.qaqpa.evidence
import data.qaqpa.fields
import data.qaqpa.violation as violations

_agreements := evidence.judged("user_agreement")

_contents := ["data_information_procedure", "explanation_procedure", "limits", "purpose", "support"]

_state_languages := ["kk", "ru"]

# METADATA
# description: The fields of the context by which the control does not apply.
not_applicable_because contains "jurisdictions" if {
	places := context.jurisdictions
	not "KZ" in places
}

# METADATA
# description: What is wrong.
violation contains found if {
	some agreement in _agreements
	not fields.has_document(agreement.predicate, "agreement")
	found := violations.deny("agreement_missing", agreement, "agreement", "", "uri, sha256")
}

violation contains found if {
	some agreement in _agreements
	shown := object.get(agreement.predicate, "shown_before_use", false)
	shown != true
	found := violations.deny("not_shown_before_use", agreement, "shown_before_use", shown, true)
}

violation contains found if {
	some agreement in _agreements
	lacking := fields.lacking(fields.texts(agreement.predicate, "contains"), _contents)
	count(lacking) > 0
	found := violations.deny("contents_lacking", agreement, "contains", lacking, _contents)
}

violation contains found if {
	context.public_sector
	some agreement in _agreements
	lacking := fields.lacking(fields.texts(agreement.predicate, "languages"), _state_languages)
	count(lacking) > 0
	found := violations.deny("state_languages_lacking", agreement, "languages", lacking, _state_languages)
}

violation contains found if {
	some agreement in _agreements
	count(fields.texts(agreement.predicate, "languages")) == 0
	found := violations.warn("languages_missing", agreement, "languages", [], "at least one")
}

violation contains found if {
	some agreement in _agreements
	fields.text(agreement.predicate, "support_contact") == ""
	found := violations.warn("support_contact_missing", agreement, "support_contact", "", "a contact")
}
