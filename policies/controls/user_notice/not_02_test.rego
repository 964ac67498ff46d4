package qaqpa.controls.not_02_test

import data.qaqpa.controls.not_02
import data.qaqpa.fixtures_test as fixtures

_good := {
	"media": [_image],
	"detector": "https://example.org/check",
	"on_market_before_duty": false,
}

_image := {
	"medium": "image",
	"machine_readable": {
		"standard": "C2PA",
		"field": "manifest",
		"sample": fixtures.document,
		"verified_by_tool": true,
	},
	"warning": {"text": "Made by a machine", "placement": "corner", "sample": fixtures.document},
}

_context := {"jurisdictions": ["EU", "KZ"], "synthetic_content": true}

_said(context, record) := said if {
	found := not_02.violation with input as fixtures.request(context, "content_label", record)
	said := fixtures.said(found)
}

_with(change) := _said(_context, object.union(_good, change))

_without(field) := _said(_context, object.remove(_good, [field]))

_not_applicable(context) := fields if {
	fields := not_02.not_applicable_because with input as fixtures.request(context, "content_label", _good)
}

_worst(bad) := facts if {
	worse := object.union(fixtures.fact(object.union(_good, bad)), {"id": "e2"})
	facts := {"evidence": {"content_label": [fixtures.fact(_good), worse]}}
}

_without_in_image(field) := _with({"media": [object.remove(_image, [field])]})

_in_mark(change) := _with({"media": [object.union(_image, {"machine_readable": change})]})

_legacy := {"on_market_before_duty": true}

test_passes if {
	_said(_context, _good) == set()
	_said({}, _good) == set()
	_with({"media": [_image, object.union(_image, {"medium": "text"})]}) == set()
}

test_not_applicable_only_when_the_context_says_so if {
	_not_applicable({"synthetic_content": false}) == {"synthetic_content"}
	_not_applicable({"synthetic_content": true}) == set()
	_not_applicable({"synthetic_content": "false"}) == set()
	_not_applicable({}) == set()
}

test_media if {
	_with({"media": []}) == {"deny media_missing"}
	_with({"media": "image"}) == {"deny media_missing"}
	_without("media") == {"deny media_missing"}
}

test_machine_mark if {
	_without_in_image("machine_readable") == {"deny machine_mark_missing", "warn sample_missing"}
	_in_mark({"standard": " "}) == {"deny machine_mark_missing"}
	_with({"media": [object.union(_image, {"machine_readable": "C2PA"})]}) == {
		"deny machine_mark_missing",
		"warn sample_missing",
	}
}

test_machine_mark_of_a_system_that_was_on_the_market if {
	bare := {"media": [object.union(_image, {"machine_readable": {"standard": ""}})]}
	_with(object.union(bare, _legacy)) == {"deny machine_mark_missing_legacy"}
	_with(object.union(bare, {"on_market_before_duty": "true"})) == {"deny machine_mark_missing"}
	_said(_context, object.union(object.remove(_good, ["on_market_before_duty"]), bare)) == {"deny machine_mark_missing"}
}

test_machine_mark_was_read if {
	_in_mark({"verified_by_tool": false}) == {"deny machine_mark_unverified"}
	_in_mark({"verified_by_tool": "true"}) == {"deny machine_mark_unverified"}
	unsaid := object.remove(_image.machine_readable, ["verified_by_tool"])
	label := object.union(object.remove(_image, ["machine_readable"]), {"machine_readable": unsaid})
	_with({"media": [label]}) == {"deny machine_mark_unverified"}
}

test_warning if {
	_without_in_image("warning") == {"deny warning_missing", "warn sample_missing"}
	_with({"media": [object.union(_image, {"warning": {"text": " "}})]}) == {"deny warning_missing"}
	every medium in ["audio", "video", "other", "smell"] {
		label := object.union(object.remove(_image, ["warning"]), {"medium": medium})
		_with({"media": [label]}) == {"deny warning_missing", "warn sample_missing"}
	}
	_with({"media": [object.remove(_image, ["medium", "warning"])]}) == {"deny warning_missing", "warn sample_missing"}
}

test_warning_in_text if {
	label := object.union(object.remove(_image, ["warning"]), {"medium": "text"})
	_with({"media": [label]}) == {"deny text_warning_missing", "warn sample_missing"}
}

test_one_medium_without_labels_is_enough if {
	record := object.union(_good, {"media": [_image, {"medium": "audio"}]})
	found := not_02.violation with input as fixtures.request(_context, "content_label", record)
	{[violation.code, violation.found] | some violation in found} == {
		["machine_mark_missing", "audio"],
		["warning_missing", "audio"],
		["sample_missing", {"medium": "audio", "lacking": ["machine_readable", "warning"]}],
	}
}

test_samples if {
	mark := object.remove(_image.machine_readable, ["sample"])
	label := object.union(object.remove(_image, ["machine_readable"]), {"machine_readable": mark})
	record := object.union(_good, {"media": [label]})
	found := not_02.violation with input as fixtures.request(_context, "content_label", record)
	{[violation.code, violation.found] | some violation in found} == {[
		"sample_missing",
		{"medium": "image", "lacking": ["machine_readable"]},
	]}
}

test_detector if {
	_without("detector") == {"deny eu_detector_missing"}
	_with({"detector": " "}) == {"deny eu_detector_missing"}
	_said({}, object.remove(_good, ["detector"])) == {"deny eu_detector_missing"}
	_said(object.union(_context, {"jurisdictions": ["KZ"]}), object.remove(_good, ["detector"])) == set()
}

test_detector_of_a_system_that_was_on_the_market if {
	_with({"detector": "", "on_market_before_duty": true}) == {"deny eu_detector_missing_legacy"}
	_with({"detector": "", "on_market_before_duty": "true"}) == {"deny eu_detector_missing"}
	_said(_context, object.remove(_good, ["detector", "on_market_before_duty"])) == {"deny eu_detector_missing"}
	_with(_legacy) == set()
}

test_worst_of_several_facts_counts if {
	found := not_02.violation with input as object.union(fixtures.empty_request, _worst({"media": []}))
	{violation.evidence | some violation in found} == {"e2"}
}
