package qaqpa.ratio_test

import data.qaqpa.ratio

_share(part, whole) := {"part": part, "whole": whole}

test_below_percent_of if {
	ratio.below_percent_of(_share(399, 1000), _share(500, 1000), 80)
	not ratio.below_percent_of(_share(400, 1000), _share(500, 1000), 80)
	not ratio.below_percent_of(_share(0, 1000), _share(0, 1000), 80)
	ratio.below_percent_of(_share(1, 1), _share(1, 1), null)
}

# As decimals, 16/9540 to 4/1908 is 0.8 within what floating point can tell.
test_below_percent_of_is_exact if not ratio.below_percent_of(_share(16, 9540), _share(4, 1908), 80)

test_greater if {
	ratio.greater(_share(2, 3), _share(1, 2))
	not ratio.greater(_share(1, 2), _share(2, 4))
}

test_exceeds_by_points if {
	ratio.exceeds_by_points(_share(201, 1000), _share(100, 1000), 10)
	not ratio.exceeds_by_points(_share(200, 1000), _share(100, 1000), 10)
	ratio.exceeds_by_points(_share(0, 1), _share(1, 1), null)
}

test_exceeds_by_points_is_exact if not ratio.exceeds_by_points(_share(87, 100), _share(77, 100), 10)

test_largest_counts_stay_exact if {
	most := _share(9000000, 9000000)
	not ratio.below_percent_of(most, most, 100)
	ratio.below_percent_of(_share(8999999, 9000000), most, 100)
}

test_times if {
	ratio.times(42, 10) == 420
	ratio.times("42", 10) == null
	ratio.times(42, null) == null
}

test_complete if {
	ratio.complete(1, 2, 3)
	not ratio.complete(1, 2, 4)
}
