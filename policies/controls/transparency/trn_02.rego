# METADATA
# title: TRN-02 Explanation of a single decision
# description: |
#   A person can be told what led to the decision about them, and the explanation was tested: for being faithful to
#   the model, and for being understood.
package qaqpa.controls.trn_02

import data.qaqpa.context
import data.qaqpa.evidence
import data.qaqpa.fields
import data.qaqpa.moments
import data.qaqpa.threshold
import data.qaqpa.violation as violations

_tests := evidence.judged("explanation")

# METADATA
# description: The fields of the context by which the control does not apply.
not_applicable_because contains "affects_rights" if context.affects_rights == false

# METADATA
# description: What is wrong.
violation contains found if {
	some test in _tests
	scope := fields.texts(test.predicate, "scope")
	not "local" in scope
	found := violations.deny("scope_not_local", test, "scope", scope, "local")
}

violation contains found if {
	some test in _tests
	not fields.has_document(test.predicate, "samples")
	found := violations.deny("samples_missing", test, "samples", "", "uri, sha256")
}

violation contains found if {
	some test in _tests
	disclosed := object.get(test.predicate, "data_used_disclosed", false)
	disclosed != true
	found := violations.deny("data_used_not_disclosed", test, "data_used_disclosed", disclosed, true)
}

violation contains found if {
	some test in _tests
	fidelity := fields.record_in(test.predicate, "fidelity")
	count(fidelity) == 0
	found := violations.by_risk("fidelity_missing", test, "fidelity/value", "", threshold.value("TRN-02", "fidelity_min"))
}

violation contains found if {
	some test in _tests
	fidelity := fields.record_in(test.predicate, "fidelity")
	count(fidelity) > 0
	required := threshold.value("TRN-02", "fidelity_min")
	measured := object.get(fidelity, "value", "")
	not fields.reaches(measured, required)
	found := violations.by_risk("fidelity_low", test, "fidelity/value", measured, required)
}

violation contains found if {
	some test in _tests
	comprehension := fields.record_in(test.predicate, "comprehension")
	count(comprehension) == 0
	required := threshold.value("TRN-02", "comprehension_min")
	found := violations.warn("comprehension_missing", test, "comprehension", "", required)
}

violation contains found if {
	some test in _tests
	comprehension := fields.record_in(test.predicate, "comprehension")
	count(comprehension) > 0
	required := threshold.value("TRN-02", "comprehension_min")
	share := object.get(comprehension, "share_understood", "")
	not fields.reaches(share, required)
	found := violations.warn("comprehension_low", test, "comprehension/share_understood", share, required)
}

violation contains found if {
	some test in _tests
	comprehension := fields.record_in(test.predicate, "comprehension")
	count(comprehension) > 0
	required := threshold.value("TRN-02", "comprehension_n_min")
	readers := object.get(comprehension, "n", "")
	not fields.reaches(readers, required)
	found := violations.warn("comprehension_readers_few", test, "comprehension/n", readers, required)
}

violation contains found if {
	some test in _tests
	count(fields.texts(test.predicate, "languages")) == 0
	found := violations.warn("languages_missing", test, "languages", [], "at least one")
}

violation contains found if {
	some test in _tests
	fields.text(test.predicate, "request_channel") == ""
	found := violations.warn("request_channel_missing", test, "request_channel", "", "a text")
}

violation contains found if {
	some test in _tests
	days := object.get(test.predicate, "answer_days", null)
	not is_number(days)
	found := violations.warn("answer_days_missing", test, "answer_days", "", "a number of days")
}

violation contains found if {
	some test in _tests
	register := object.get(test.predicate, "request_register", false)
	register != true
	found := violations.warn("request_register_missing", test, "request_register", register, true)
}

violation contains found if {
	some test in _tests
	tested := fields.moment(test.predicate, "tested_on")
	not moments.reached(tested)
	found := violations.deny("tested_in_future", test, "tested_on", tested.text, input.now.text)
}

violation contains found if {
	some test in _tests
	tested := fields.moment(test.predicate, "tested_on")
	moments.before_training(tested)
	found := violations.deny("tested_before_training", test, "tested_on", tested.text, moments.trained)
}
