package qaqpa.moments_test

import data.qaqpa.fixtures_test as fixtures
import data.qaqpa.moments

test_the_moment_of_the_decision_is_reached if {
	moments.reached(fixtures.now) with input as fixtures.empty_request
}

test_a_second_later_is_not_reached if {
	later := object.union(fixtures.now, {"seconds": fixtures.now.seconds + 1})
	not moments.reached(later) with input as fixtures.empty_request
}

test_a_moment_without_seconds_is_not_reached if {
	every moment in [{"text": ""}, {"text": "", "seconds": null}] {
		not moments.reached(moment) with input as fixtures.empty_request
	}
}

test_a_day_lasts_until_its_last_second if {
	moments.by_end_of({"seconds": fixtures.day(1).seconds - 1}, fixtures.day(0))
	not moments.by_end_of({"seconds": fixtures.day(1).seconds}, fixtures.day(0))
	not moments.by_end_of({}, fixtures.day(0))
	not moments.by_end_of({"seconds": null}, fixtures.day(0))
	not moments.by_end_of(fixtures.day(0), {})
}

_trained(moment) := {"subject": {"trained_at": moment}}

test_a_day_that_ended_before_training if {
	moments.before_training(fixtures.day(-1)) with input as _trained(fixtures.now)
	last := {"text": "t", "seconds": fixtures.now.seconds - 1}
	every moment in [last, fixtures.day(-1), fixtures.day(-2)] {
		not moments.before_training(fixtures.day(-1)) with input as _trained(moment)
	}
}

test_nothing_lies_before_a_training_that_nobody_recorded if {
	every request in [_trained(null), {"subject": {}}, {}] {
		not moments.before_training(fixtures.day(-9999)) with input as request
		moments.trained == "" with input as request
	}
}

test_what_is_unreadable_is_taken_as_before_training if {
	every moment in ["yesterday", 5, {}, {"text": "t", "seconds": null}] {
		moments.before_training(fixtures.day(0)) with input as _trained(moment)
	}
	moments.before_training({"text": ""}) with input as _trained(fixtures.now)
}

test_trained_is_the_text if {
	moments.trained == fixtures.now.text with input as _trained(fixtures.now)
	moments.trained == "" with input as _trained("yesterday")
}
