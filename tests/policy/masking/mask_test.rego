package system.log_test

import data.system.log

_event := {
	"path": "qaqpa/gate/decision",
	"input": {"stage": "production", "actor": "dana", "evidence": {}},
	"result": {"verdict": "deny", "findings": []},
}

test_people_and_evidence_are_left_out if {
	log.mask == {"/input/actor", "/input/evidence", "/result/findings", "/nd_builtin_cache"} with input as _event
}

test_an_answer_that_is_undefined_is_no_reason_to_keep_more if {
	event := object.remove(_event, ["result"])
	log.mask == {"/input/actor", "/input/evidence", "/nd_builtin_cache"} with input as event
}

test_nothing_is_kept_of_what_is_not_the_gate_s if {
	every change in [
		{"path": "other"},
		{"path": null},
		{"input": "dana"},
		{"result": ["dana"]},
		{"input": {"a/b": "dana"}},
		{"input": {"stage": {}, "~": "dana"}},
	] {
		masked := log.mask with input as object.union(_event, change)
		{"/input", "/result"} & masked == {"/input", "/result"}
	}
}

test_nothing_is_kept_without_a_path if {
	masked := log.mask with input as object.remove(_event, ["path"])
	{"/input", "/result"} & masked == {"/input", "/result"}
}
