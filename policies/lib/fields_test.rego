package qaqpa.fields_test

import data.qaqpa.fields
import data.qaqpa.fixtures_test as fixtures

test_text_is_trimmed_and_empty_where_there_is_none if {
	fields.text({"a": " x "}, "a") == "x"
	every record in [{}, {"a": null}, {"a": 5}, {"a": " \t"}, "no object"] {
		fields.text(record, "a") == ""
	}
}

# A word joiner, a soft hyphen, a filler, a mark of direction, a selector, a tag, controls.
_unseen := ["\u200b", "\u2060", "\ufeff", "\u00ad", "\u3164", "\u202e", "\ufe0f", "\udb40\udc41", "\u0000", "\u009f"]

test_what_cannot_be_seen_says_nothing if {
	every mark in _unseen {
		fields.text({"a": concat("", [" ", mark, "\u00a0", mark])}, "a") == ""
		fields.texts({"a": [mark, "x"]}, "a") == ["x"]
		fields.text({"a": concat("", ["x", mark])}, "a") == concat("", ["x", mark])
	}
	fields.text({"a": "\u2800"}, "a") == ""
	fields.text({"a": "文字 "}, "a") == "文字"
	fields.text({"a": "қ "}, "a") == "қ"
}

test_texts_are_compared_as_they_read if {
	every mark in _unseen {
		fields.folded(concat("", [mark, "An", mark, "a", mark])) == "ana"
	}
	every blank in ["  ", "\t", "\n", "\u00a0", "\u2003", "\u3000", "\u2800"] {
		fields.folded(concat("", [blank, "Ana", blank, "Bek", blank])) == "ana bek"
	}
	fields.folded("ӨМІР ҒАЛИ") == "өмір ғали"
	fields.folded("\u200b ") == ""
	fields.folded("") == ""
}

test_letters_that_one_engine_does_not_know_are_folded if {
	fields.folded("\u2c2fana \ua7f5\ud801\udd70\ud801\udd95") == "\u2c5fana \ua7f6\ud801\udd97\ud801\uddbc"
}

test_wide_letters_are_folded if {
	fields.folded("\uff21\uff4e\uff41\uff11\uff01\u3000\uff02\uff3c\uff5e") == `ana1! "\~`
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
