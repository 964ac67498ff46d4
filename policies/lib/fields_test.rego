package qaqpa.fields_test

import data.qaqpa.fields
import data.qaqpa.fixtures_test as fixtures

test_text_is_trimmed_and_empty_where_there_is_none if {
	fields.text({"a": " x "}, "a") == "x"
	every record in [{}, {"a": null}, {"a": 5}, {"a": " \t"}, "no object"] {
		fields.text(record, "a") == ""
	}
}

test_list_is_empty_where_there_is_none if {
	fields.list({"a": [1]}, "a") == [1]
	every record in [{}, {"a": null}, {"a": "x"}] {
		fields.list(record, "a") == []
	}
}

test_texts_leaves_out_what_says_nothing if {
	fields.texts({"a": ["y", " x", "", " ", 5, null]}, "a") == ["x", "y"]
	fields.texts({}, "a") == []
}

test_lacking_is_sorted if fields.lacking(["b"], ["c", "b", "a"]) == ["a", "c"]

test_record_is_empty_where_there_is_none if {
	fields.record_in({"a": {"b": 1}}, "a") == {"b": 1}
	every record in [{}, {"a": null}, {"a": "x"}] {
		fields.record_in(record, "a") == {}
	}
}

test_moment_without_seconds_where_there_is_none if {
	fields.moment({"a": fixtures.now}, "a") == fixtures.now
	fields.moment({}, "a") == {"text": ""}
}

test_document_needs_place_and_digest if {
	fields.has_document({"a": fixtures.document}, "a")
	every record in [{}, {"a": null}, {"a": {"uri": "u"}}, {"a": {"sha256": "ab"}}, {"a": {"uri": " ", "sha256": "ab"}}] {
		not fields.has_document(record, "a")
	}
}

test_at_least_needs_two_numbers if {
	fields.at_least({"a": 0.9}, "a", 0.9)
	every record in [{}, {"a": 0.89}, {"a": "1"}, {"a": null}] {
		not fields.at_least(record, "a", 0.9)
	}
	every least in [0.91, "0", null] {
		not fields.at_least({"a": 0.9}, "a", least)
	}
}
