package qaqpa.dates_test

import data.qaqpa.dates
import data.qaqpa.fixtures_test as fixtures

_at(offset) := {"text": "moment", "seconds": fixtures.now.seconds + offset}

test_within_days if {
	every offset in [0, -1, -864000] {
		dates.within_days(_at(offset), 10) with input.now as fixtures.now
	}
	every offset in [1, -864001] {
		not dates.within_days(_at(offset), 10) with input.now as fixtures.now
	}
}

test_only_numbers_show_an_age if {
	every moment in [{}, {"seconds": null}, {"seconds": "1795392000"}, null, "text"] {
		not dates.within_days(moment, 10) with input.now as fixtures.now
		not dates.not_ended(moment) with input.now as fixtures.now
	}
	not dates.within_days(_at(0), null) with input.now as fixtures.now
	not dates.within_days(_at(0), 10) with input as {}
}

test_begun if {
	dates.begun(_at(0)) with input.now as fixtures.now
	dates.begun(_at(-1)) with input.now as fixtures.now
	not dates.begun(_at(1)) with input.now as fixtures.now
	dates.begun({}) with input.now as fixtures.now
	dates.begun(_at(1)) with input as {}
}

test_not_ended if {
	dates.not_ended(_at(0)) with input.now as fixtures.now
	dates.not_ended(_at(-86399)) with input.now as fixtures.now
	not dates.not_ended(_at(-86400)) with input.now as fixtures.now
}
