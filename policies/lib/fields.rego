# METADATA
# title: Optional fields
# description: |
#   Reads fields that a record may leave out. What is absent, blank or of another type is read as empty, so that
#   a rule that asks for it fires, and nothing is passed over because it is undefined.
package qaqpa.fields

# METADATA
# description: The text in a field without surrounding blanks; empty where there is none.
text(record, name) := trim_space(value) if {
	value := object.get(record, name, null)
	is_string(value)
} else := ""

# METADATA
# description: The array in a field; empty where there is none.
list(record, name) := value if {
	value := object.get(record, name, null)
	is_array(value)
} else := []

# METADATA
# description: The texts in an array that say something, as a sorted array.
texts(record, name) := sort([entry |
	some value in list(record, name)
	is_string(value)
	entry := trim_space(value)
	entry != ""
])

# METADATA
# description: The entries of `required` that the array `held` does not have, as a sorted array.
lacking(held, required) := sort([entry |
	some entry in required
	not entry in held
])

# METADATA
# description: The object in a field; empty where there is none.
record_in(record, name) := value if {
	value := object.get(record, name, null)
	is_object(value)
} else := {}

# METADATA
# description: The time or date in a field; one without seconds, which counts as never reached, where there is none.
moment(record, name) := object.union({"text": ""}, record_in(record, name))

# METADATA
# description: True when a field names a document by its place and its digest.
has_document(record, name) if {
	document := record_in(record, name)
	text(document, "uri") != ""
	text(document, "sha256") != ""
}

# METADATA
# description: True when a field holds a number that is `least`, a number too, or more.
at_least(record, name, least) if {
	value := object.get(record, name, null)
	reaches(value, least)
}

# METADATA
# description: True when `value` is a number that is `least`, a number too, or more.
reaches(value, least) if {
	is_number(value)
	is_number(least)
	value >= least
}
