# METADATA
# title: TRN-01 Plain-language model card
# description: |
#   The published card says what the model is for, what it must not be used for, how it performs and where it fails.
package qaqpa.controls.trn_01

import data.qaqpa.context
import data.qaqpa.dates
import data.qaqpa.evidence
import data.qaqpa.fields
import data.qaqpa.moments
import data.qaqpa.threshold
import data.qaqpa.violation as violations

_cards := evidence.judged("model_card")

_state_languages := ["kk", "ru"]

# METADATA
# description: Empty, for the control applies to every system.
not_applicable_because := set()

# METADATA
# description: What is wrong.
violation contains found if {
	some card in _cards
	not fields.has_document(card.predicate, "document")
	found := violations.deny("document_missing", card, "document", "", "uri, sha256")
}

violation contains found if {
	some card in _cards
	fields.text(card.predicate, "intended_purpose") == ""
	found := violations.deny("intended_purpose_missing", card, "intended_purpose", "", "a text")
}

violation contains found if {
	some card in _cards
	count(fields.texts(card.predicate, "out_of_scope_uses")) == 0
	found := violations.deny("out_of_scope_uses_missing", card, "out_of_scope_uses", [], "at least one")
}

violation contains found if {
	some card in _cards
	count(fields.texts(card.predicate, "known_limitations")) == 0
	found := violations.deny("known_limitations_missing", card, "known_limitations", [], "at least one")
}

violation contains found if {
	some card in _cards
	measured := [entry | some entry in fields.list(card.predicate, "performance"); fields.text(entry, "metric") != ""]
	count(measured) == 0
	found := violations.deny("performance_missing", card, "performance", [], "at least one")
}

violation contains found if {
	some card in _cards
	fields.text(card.predicate, "approved_by") == ""
	found := violations.warn("approver_missing", card, "approved_by", "", "a person")
}

violation contains found if {
	some card in _cards
	approved := fields.moment(card.predicate, "approved_on")
	not moments.reached(approved)
	found := violations.deny("approved_in_future", card, "approved_on", approved.text, input.now.text)
}

violation contains found if {
	some card in _cards
	approved := fields.moment(card.predicate, "approved_on")
	moments.reached(approved)
	days := threshold.value("TRN-01", "max_age_days")
	not dates.within_days(approved, days)
	found := violations.warn("approval_old", card, "approved_on", approved.text, days)
}

violation contains found if {
	some card in _cards
	approved := fields.moment(card.predicate, "approved_on")
	moments.before_training(approved)
	found := violations.deny("approved_before_training", card, "approved_on", approved.text, moments.trained)
}

violation contains found if {
	some card in _cards
	count(fields.texts(card.predicate, "languages")) == 0
	found := violations.warn("languages_missing", card, "languages", [], "at least one")
}

violation contains found if {
	context.public_sector
	"KZ" in context.jurisdictions
	some card in _cards
	lacking := fields.lacking(fields.list(card.predicate, "languages"), _state_languages)
	count(lacking) > 0
	found := violations.deny("kz_state_language_missing", card, "languages", lacking, _state_languages)
}
