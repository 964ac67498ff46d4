# METADATA
# title: NDQ-01 Training data
# description: |
#   Every data set that the model was trained on has a datasheet: who made it, where it comes from, by which right it is
#   used, how good it is, and which groups it represents badly.
package qaqpa.controls.ndq_01

import data.qaqpa.context
import data.qaqpa.dates
import data.qaqpa.evidence
import data.qaqpa.fields
import data.qaqpa.moments
import data.qaqpa.threshold
import data.qaqpa.violation as violations

_sheets := evidence.judged("datasheets")

# METADATA
# description: The fields of the context by which the control does not apply.
not_applicable_because contains "trains_on_data" if context.trains_on_data == false

# METADATA
# description: What is wrong.
violation contains found if {
	some sheet in _sheets
	recorded := fields.moment(sheet.predicate, "recorded_on")
	not moments.reached(recorded)
	found := violations.deny("recorded_in_future", sheet, "recorded_on", recorded.text, input.now.text)
}

violation contains found if {
	some sheet in _sheets
	recorded := fields.moment(sheet.predicate, "recorded_on")
	moments.before_training(recorded)
	found := violations.deny("recorded_before_training", sheet, "recorded_on", recorded.text, moments.trained)
}

violation contains found if {
	some sheet in _sheets
	not fields.has_document(sheet.predicate, "datasheet")
	found := violations.warn("datasheet_missing", sheet, "datasheet", "", "uri, sha256")
}

violation contains found if {
	some sheet in _sheets
	count(_trained_on(sheet)) == 0
	found := violations.deny("training_data_unlisted", sheet, "trained_on", [], "at least one")
}

# In a set a name is looked up at once; with `in` each one would be compared with all the others.
violation contains found if {
	some sheet in _sheets
	described := _ids(_datasets(sheet))
	undescribed := {id | some id in _ids(_trained_on(sheet)); not described[id]}
	count(undescribed) > 0
	found := violations.deny("dataset_undescribed", sheet, "datasets", sort(undescribed), "a datasheet for each")
}

# The same name is not enough: the bytes that were described are those that were used.
violation contains found if {
	some sheet in _sheets
	described := _ids(_datasets(sheet))
	digests := _digests(_datasets(sheet))
	other := {used[0] | some used in _digests(_trained_on(sheet)); described[used[0]]; not digests[used]}
	count(other) > 0
	found := violations.deny("dataset_differs", sheet, "datasets/sha256", sort(other), "the same sha256")
}

violation contains found if {
	some sheet in _sheets
	blank := _blank(sheet, "producer")
	count(blank) > 0
	found := violations.deny("producer_missing", sheet, "datasets/producer", blank, "a producer")
}

violation contains found if {
	some sheet in _sheets
	unreadable := _not_true(sheet, "producer_machine_readable")
	count(unreadable) > 0
	found := violations.deny("producer_not_readable", sheet, "datasets/producer_machine_readable", unreadable, true)
}

violation contains found if {
	some sheet in _sheets
	blank := _blank(sheet, "origin")
	count(blank) > 0
	found := violations.deny("origin_missing", sheet, "datasets/origin", blank, "an origin")
}

violation contains found if {
	some sheet in _sheets
	blank := _blank(sheet, "licence_or_basis")
	count(blank) > 0
	found := violations.deny("basis_missing", sheet, "datasets/licence_or_basis", blank, "a licence or a legal basis")
}

violation contains found if {
	"KZ" in context.jurisdictions
	some sheet in _sheets
	unchecked := _not_true(sheet, "tdm_opt_out_checked")
	count(unchecked) > 0
	found := violations.deny("kz_opt_out_unchecked", sheet, "datasets/tdm_opt_out_checked", unchecked, true)
}

violation contains found if {
	some sheet in _sheets
	some dataset in _datasets(sheet)
	share := object.get(dataset, "completeness", "")
	required := threshold.value("NDQ-01", "completeness_min")
	not fields.reaches(share, required)
	value := {"id": fields.text(dataset, "id"), "completeness": share}
	found := _unless_justified("completeness_low", sheet, dataset, value, required)
}

violation contains found if {
	some sheet in _sheets
	some dataset in _datasets(sheet)
	quality := fields.record_in(dataset, "label_quality")
	not is_number(object.get(quality, "value", null))
	id := fields.text(dataset, "id")
	found := _unless_justified("label_quality_unmeasured", sheet, dataset, id, "a measured value")
}

violation contains found if {
	some sheet in _sheets
	some dataset in _datasets(sheet)
	last := fields.moment(dataset, "collected_to")
	days := threshold.value("NDQ-01", "max_age_days")
	not dates.within_days(last, days)
	value := {"id": fields.text(dataset, "id"), "collected_to": last.text}
	found := violations.warn("data_old", sheet, "datasets/collected_to", value, days)
}

# Groups and distortions that nobody listed may be there; whoever looked and found none hands in an empty list.
violation contains found if {
	some sheet in _sheets
	some dataset in _datasets(sheet)
	lacking := [field |
		some field in ["known_biases", "population", "under_represented_groups"]
		not _stated(dataset, field)
	]
	count(lacking) > 0
	value := {"id": fields.text(dataset, "id"), "lacking": lacking}
	found := violations.warn("representation_unstated", sheet, "datasets", value, "population, gaps and distortions")
}

violation contains found if {
	some sheet in _sheets
	some dataset in _datasets(sheet)
	groups := fields.texts(dataset, "under_represented_groups")
	count(groups) > 0
	fields.text(dataset, "mitigation") == ""
	value := {"id": fields.text(dataset, "id"), "groups": groups}
	found := violations.warn("groups_unmitigated", sheet, "datasets/mitigation", value, "a mitigation")
}

_datasets(sheet) := fields.list(sheet.predicate, "datasets")

_trained_on(sheet) := fields.list(sheet.predicate, "trained_on")

_ids(datasets) := {fields.text(dataset, "id") | some dataset in datasets}

_digests(datasets) := {[fields.text(dataset, "id"), fields.text(dataset, "sha256")] | some dataset in datasets}

# The ids of the data sets in which a text is blank.
_blank(sheet, field) := sort([fields.text(dataset, "id") |
	some dataset in _datasets(sheet)
	fields.text(dataset, field) == ""
])

# The ids of the data sets in which a statement is not made.
_not_true(sheet, field) := sort([fields.text(dataset, "id") |
	some dataset in _datasets(sheet)
	object.get(dataset, field, false) != true
])

_stated(dataset, "population") if fields.text(dataset, "population") != ""

_stated(dataset, field) if {
	field in ["known_biases", "under_represented_groups"]
	is_array(object.get(dataset, field, null))
}

# A written reason is shown, and does not deny any more.
_unless_justified(code, sheet, dataset, value, required) := found if {
	fields.text(dataset, "quality_justification") != ""
	found := violations.warn(code, sheet, "datasets", value, required)
} else := violations.by_risk(code, sheet, "datasets", value, required)
