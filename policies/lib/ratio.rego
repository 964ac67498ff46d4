# METADATA
# title: Ratios and products of counts
# description: |
#   Comparisons of ratios by cross-multiplied integers. OPA and its WebAssembly compiler disagree about
#   division and about arithmetic on decimals; they agree about integers below 2^53. The schema keeps
#   counts at or below 9 000 000, so that no product leaves that range.
package qaqpa.ratio

# METADATA
# description: |
#   True when part/whole is below `percent` per cent of other_part/other_whole. Without a percentage everything is.
below_percent_of(_, _, percent) if not is_number(percent)

below_percent_of(share, other, percent) if {
	(share.part * other.whole) * 100 < (other.part * share.whole) * percent
}

# METADATA
# description: True when part/whole is greater than other_part/other_whole.
greater(share, other) if share.part * other.whole > other.part * share.whole

# METADATA
# description: |
#   True when part/whole exceeds other_part/other_whole by more than `percent` percentage points. Without a number of
#   points everything does.
exceeds_by_points(_, _, percent) if not is_number(percent)

exceeds_by_points(share, other, percent) if {
	difference := (share.part * other.whole) - (other.part * share.whole)
	difference * 100 > (share.whole * other.whole) * percent
}

# METADATA
# description: The product of two counts; null where one of them is no number.
times(one, other) := one * other if {
	is_number(one)
	is_number(other)
} else := null

# METADATA
# description: True when two parts of a whole together are as many as the whole.
complete(one, other, whole) if one + other == whole
