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
