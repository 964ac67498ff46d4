package qaqpa.controls.ndq_01_test

import data.qaqpa.controls.ndq_01
import data.qaqpa.fixtures_test as fixtures

_digest := "3333333333333333333333333333333333333333333333333333333333333333"

_loans := {
	"id": "loans",
	"sha256": _digest,
	"producer": "The bank",
	"producer_machine_readable": true,
	"origin": "Applications of 2019 to 2025.",
	"licence_or_basis": "Consent of the applicants.",
	"collected_from": fixtures.day(-2000),
	"collected_to": fixtures.day(-730),
	"completeness": 0.95,
	"label_quality": {"metric": "agreement of two readers", "value": 0.9},
	"population": "Adults who asked for a loan.",
	"under_represented_groups": [],
	"known_biases": [],
	"tdm_opt_out_checked": true,
}

_prices := object.union(_loans, {"id": "prices"})

_good := {
	"datasheet": fixtures.document,
	"recorded_on": fixtures.day(-10),
	"trained_on": [{"id": "loans", "sha256": _digest}, {"id": "prices", "sha256": _digest}],
	"datasets": [_loans, _prices],
}

_low_risk := {"kz_risk": "medium", "eu_class": "minimal"}

_found(context, sheet) := found if {
	found := ndq_01.violation with input as fixtures.request(context, "datasheets", sheet)
}

_said(context, sheet) := fixtures.said(_found(context, sheet))

_with(change) := _said({}, object.union(_good, change))

_without(field) := _said({}, object.remove(_good, [field]))

# The record with a change in the data set of loans.
_sheet(change) := object.union(_good, {"datasets": [_prices, object.union(_loans, change)]})

_sheet_without(field) := object.union(_good, {"datasets": [_prices, object.remove(_loans, [field])]})

_values(context, sheet) := {[violation.code, violation.found] | some violation in _found(context, sheet)}

test_passes_with_every_number_at_its_boundary if {
	_said({}, _good) == set()
	_said(_low_risk, _good) == set()
}

test_not_applicable_only_when_the_context_says_so if {
	ndq_01.not_applicable_because == {"trains_on_data"} with input.context as {"trains_on_data": false}
	ndq_01.not_applicable_because == set() with input.context as {"trains_on_data": true}
}

test_applies_with_an_empty_context_and_an_empty_record if {
	ndq_01.not_applicable_because == set() with input as fixtures.request({}, "datasheets", {})
	_said({}, {}) == {"deny recorded_in_future", "warn datasheet_missing", "deny training_data_unlisted"}
}

test_date if {
	_with({"recorded_on": fixtures.day(0)}) == set()
	_with({"recorded_on": fixtures.day(1)}) == {"deny recorded_in_future"}
	_without("recorded_on") == {"deny recorded_in_future"}
}

_trained(moment) := found if {
	request := object.union(fixtures.request({}, "datasheets", _good), {"subject": {"trained_at": moment}})
	found := ndq_01.violation with input as request
}

test_trained_by_the_end_of_the_day_of_the_record if {
	every moment in [null, fixtures.day(-11), fixtures.day(-10), {"text": "t", "seconds": fixtures.day(-9).seconds - 1}] {
		_trained(moment) == set()
	}
}

test_trained_the_day_after_the_record if {
	found := _trained(fixtures.day(-9))
	fixtures.said(found) == {"deny recorded_before_training"}
	{[violation.found, violation.required] | some violation in found} == {[fixtures.day(-10).text, fixtures.day(-9).text]}
}

test_datasheet if {
	_without("datasheet") == {"warn datasheet_missing"}
	_with({"datasheet": {"uri": "https://example.org/sheet", "sha256": " "}}) == {"warn datasheet_missing"}
}

test_training_data_are_listed if {
	_without("trained_on") == {"deny training_data_unlisted"}
	_with({"trained_on": []}) == {"deny training_data_unlisted"}
	_with({"trained_on": "loans"}) == {"deny training_data_unlisted"}
}

test_each_data_set_is_described if {
	_values({}, object.union(_good, {"datasets": [_loans]})) == {["dataset_undescribed", ["prices"]]}
	_values({}, object.remove(_good, ["datasets"])) == {["dataset_undescribed", ["loans", "prices"]]}
	_with({"datasets": []}) == {"deny dataset_undescribed"}
	unnamed := [{"sha256": _digest}]
	_values({}, object.union(_good, {"trained_on": unnamed})) == {["dataset_undescribed", [""]]}
}

test_what_is_described_is_what_was_used if {
	other := "4444444444444444444444444444444444444444444444444444444444444444"
	_values({}, _sheet({"sha256": other})) == {["dataset_differs", ["loans"]]}
	_values({}, _sheet_without("sha256")) == {["dataset_differs", ["loans"]]}
	used := [{"id": "loans"}, {"id": "prices", "sha256": _digest}]
	_values({}, object.union(_good, {"trained_on": used})) == {["dataset_differs", ["loans"]]}
	old := object.union(_loans, {"sha256": other})
	_with({"datasets": [old, _loans, _prices]}) == set()
}

test_each_text_of_a_data_set_is_asked_for if {
	every field, code in {
		"producer": "producer_missing",
		"origin": "origin_missing",
		"licence_or_basis": "basis_missing",
	} {
		every sheet in [_sheet_without(field), _sheet({field: " "}), _sheet({field: 5})] {
			_said(_low_risk, sheet) == {concat(" ", ["deny", code])}
			_values(_low_risk, sheet) == {[code, ["loans"]]}
		}
	}
	blank := {"datasets": [object.union(_prices, {"producer": ""}), object.union(_loans, {"producer": ""})]}
	_values({}, object.union(_good, blank)) == {["producer_missing", ["loans", "prices"]]}
}

test_producer_in_machine_readable_form if {
	every sheet in [_sheet_without("producer_machine_readable"), _sheet({"producer_machine_readable": false})] {
		_said({}, sheet) == {"deny producer_not_readable"}
		_values({}, sheet) == {["producer_not_readable", ["loans"]]}
	}
	_said({}, _sheet({"producer_machine_readable": "true"})) == {"deny producer_not_readable"}
}

test_prohibitions_of_authors_in_kazakhstan if {
	every sheet in [_sheet_without("tdm_opt_out_checked"), _sheet({"tdm_opt_out_checked": false})] {
		_said({}, sheet) == {"deny kz_opt_out_unchecked"}
		_values({}, sheet) == {["kz_opt_out_unchecked", ["loans"]]}
		_said({"jurisdictions": ["KZ"]}, sheet) == {"deny kz_opt_out_unchecked"}
		_said({"jurisdictions": ["EU", "OTHER"]}, sheet) == set()
	}
	_said({}, _sheet({"tdm_opt_out_checked": "yes"})) == {"deny kz_opt_out_unchecked"}
}

test_completeness_by_risk if {
	every sheet in [_sheet({"completeness": 0.9499}), _sheet_without("completeness"), _sheet({"completeness": "1"})] {
		_said({"kz_risk": "high", "eu_class": "minimal"}, sheet) == {"deny completeness_low"}
		_said({}, sheet) == {"deny completeness_low"}
		_said(_low_risk, sheet) == {"warn completeness_low"}
	}
	_said({}, _sheet({"completeness": 1})) == set()
	_values({}, _sheet({"completeness": 0.9})) == {["completeness_low", {"id": "loans", "completeness": 0.9}]}
}

test_label_quality_by_risk if {
	unmeasured := _sheet({"label_quality": {"value": "good"}})
	every sheet in [_sheet_without("label_quality"), unmeasured, _sheet({"label_quality": 1})] {
		_said({}, sheet) == {"deny label_quality_unmeasured"}
		_said(_low_risk, sheet) == {"warn label_quality_unmeasured"}
		_values({}, sheet) == {["label_quality_unmeasured", "loans"]}
	}
	_said({}, _sheet({"label_quality": {"metric": "agreement", "value": 0}})) == set()
}

test_a_written_reason_turns_quality_into_a_warning if {
	reason := {"quality_justification": "There are no labels, and gaps are part of the question."}
	low := object.union(object.remove(_loans, ["label_quality"]), {"completeness": 0.5})
	explained := object.union(low, reason)
	_with({"datasets": [_prices, explained]}) == {"warn completeness_low", "warn label_quality_unmeasured"}
	blank := object.union(low, {"quality_justification": " "})
	_with({"datasets": [_prices, blank]}) == {"deny completeness_low", "deny label_quality_unmeasured"}
}

test_age_of_the_data if {
	_said({}, _sheet({"collected_to": fixtures.day(-731)})) == {"warn data_old"}
	_said({}, _sheet({"collected_to": fixtures.day(1)})) == {"warn data_old"}
	_said({}, _sheet({"collected_to": fixtures.day(0)})) == set()
	_said({}, _sheet_without("collected_to")) == {"warn data_old"}
}

test_representation_is_stated if {
	every field in ["known_biases", "population", "under_represented_groups"] {
		_said({}, _sheet_without(field)) == {"warn representation_unstated"}
		_values({}, _sheet_without(field)) == {["representation_unstated", {"id": "loans", "lacking": [field]}]}
	}
	_said({}, _sheet({"population": " "})) == {"warn representation_unstated"}
	_said({}, _sheet({"known_biases": "none"})) == {"warn representation_unstated"}
}

test_under_represented_groups_are_mitigated if {
	groups := {"under_represented_groups": ["women over 60", "herders"]}
	_said({}, _sheet(groups)) == {"warn groups_unmitigated"}
	_values({}, _sheet(groups)) == {["groups_unmitigated", {"id": "loans", "groups": ["herders", "women over 60"]}]}
	_said({}, _sheet(object.union(groups, {"mitigation": " "}))) == {"warn groups_unmitigated"}
	_said({}, _sheet(object.union(groups, {"mitigation": "Weighted."}))) == set()
}

test_the_worst_record_decides if {
	facts := [fixtures.fact(_good), fixtures.fact(_sheet({"producer": ""}))]
	found := ndq_01.violation with input as object.union(fixtures.empty_request, {"evidence": {"datasheets": facts}})
	fixtures.said(found) == {"deny producer_missing"}
}

test_thresholds_can_be_tightened if {
	request := object.union(
		fixtures.request({}, "datasheets", _good),
		{"settings": {"thresholds": {"NDQ-01": {"completeness_min": 0.96, "max_age_days": 729}}}},
	)
	found := ndq_01.violation with input as request
	fixtures.said(found) == {"deny completeness_low", "warn data_old"}
}
