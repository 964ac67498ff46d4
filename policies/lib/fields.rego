# METADATA
# title: Optional fields
# description: |
#   Reads fields that a record may leave out. What is absent, blank or of another type is read as empty, so that
#   a rule that asks for it fires, and nothing is passed over because it is undefined.
package qaqpa.fields

# White space, with the blank of Braille.
_blank := `\t-\r \x{85}\x{a0}\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{2800}\x{3000}`

# What nobody sees: controls, fillers, marks of direction, selectors, tags.
_unseen := concat("", [
	`\x{0}-\x{8}\x{e}-\x{1f}\x{7f}-\x{84}\x{86}-\x{9f}\x{ad}\x{34f}\x{61c}\x{115f}\x{1160}\x{17b4}\x{17b5}`,
	`\x{180b}-\x{180f}\x{200b}-\x{200f}\x{202a}-\x{202e}\x{2060}-\x{206f}\x{3164}\x{fe00}-\x{fe0f}\x{feff}`,
	`\x{ffa0}\x{fff0}-\x{fffb}\x{1bca0}-\x{1bca3}\x{1d173}-\x{1d17a}\x{e0000}-\x{e0fff}`,
])

_not_blank := concat("", ["[^", _blank, "]+"])

_not_unseen := concat("", ["[^", _unseen, "]+"])

_visible := concat("", ["[^", _blank, _unseen, "]"])

# METADATA
# description: The text in a field without surrounding blanks; empty where there is none, or nothing of it can be seen.
text(record, name) := _shown(value) if {
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
	entry := _shown(value)
	entry != ""
])

# METADATA
# description: |
#   A text as names, posts and tasks are compared: without regard to case, width, blanks, and what nobody sees.
folded(text) := lower(_letters_known(words)) if {
	seen := concat("", [part | some [part] in regex.find_all_string_submatch_n(_not_unseen, text, -1)])
	words := concat(" ", [word | some [word] in regex.find_all_string_submatch_n(_not_blank, seen, -1)])
}

# Letters of which the engines do not both know that they are capitals, as OPA's WebAssembly has an older Unicode.
_small := {
	"\u2c2f": "\u2c5f", "\ua7c0": "\ua7c1", "\ua7c7": "\ua7c8", "\ua7c9": "\ua7ca", "\ua7d0": "\ua7d1",
	"\ua7d6": "\ua7d7", "\ua7d8": "\ua7d9", "\ua7f5": "\ua7f6", "\ud801\udd70": "\ud801\udd97",
	"\ud801\udd71": "\ud801\udd98", "\ud801\udd72": "\ud801\udd99", "\ud801\udd73": "\ud801\udd9a",
	"\ud801\udd74": "\ud801\udd9b", "\ud801\udd75": "\ud801\udd9c", "\ud801\udd76": "\ud801\udd9d",
	"\ud801\udd77": "\ud801\udd9e", "\ud801\udd78": "\ud801\udd9f", "\ud801\udd79": "\ud801\udda0",
	"\ud801\udd7a": "\ud801\udda1", "\ud801\udd7c": "\ud801\udda3", "\ud801\udd7d": "\ud801\udda4",
	"\ud801\udd7e": "\ud801\udda5", "\ud801\udd7f": "\ud801\udda6", "\ud801\udd80": "\ud801\udda7",
	"\ud801\udd81": "\ud801\udda8", "\ud801\udd82": "\ud801\udda9", "\ud801\udd83": "\ud801\uddaa",
	"\ud801\udd84": "\ud801\uddab", "\ud801\udd85": "\ud801\uddac", "\ud801\udd86": "\ud801\uddad",
	"\ud801\udd87": "\ud801\uddae", "\ud801\udd88": "\ud801\uddaf", "\ud801\udd89": "\ud801\uddb0",
	"\ud801\udd8a": "\ud801\uddb1", "\ud801\udd8c": "\ud801\uddb3", "\ud801\udd8d": "\ud801\uddb4",
	"\ud801\udd8e": "\ud801\uddb5", "\ud801\udd8f": "\ud801\uddb6", "\ud801\udd90": "\ud801\uddb7",
	"\ud801\udd91": "\ud801\uddb8", "\ud801\udd92": "\ud801\uddb9", "\ud801\udd94": "\ud801\uddbb",
	"\ud801\udd95": "\ud801\uddbc",
}

# The letters and signs of ASCII as wide as an ideograph.
_narrow := {
	"\uff01": "!", "\uff02": "\"", "\uff03": "#", "\uff04": "$", "\uff05": "%", "\uff06": "&", "\uff07": "'",
	"\uff08": "(", "\uff09": ")", "\uff0a": "*", "\uff0b": "+", "\uff0c": ",", "\uff0d": "-", "\uff0e": ".",
	"\uff0f": "/", "\uff10": "0", "\uff11": "1", "\uff12": "2", "\uff13": "3", "\uff14": "4", "\uff15": "5",
	"\uff16": "6", "\uff17": "7", "\uff18": "8", "\uff19": "9", "\uff1a": ":", "\uff1b": ";", "\uff1c": "<",
	"\uff1d": "=", "\uff1e": ">", "\uff1f": "?", "\uff20": "@", "\uff21": "A", "\uff22": "B", "\uff23": "C",
	"\uff24": "D", "\uff25": "E", "\uff26": "F", "\uff27": "G", "\uff28": "H", "\uff29": "I", "\uff2a": "J",
	"\uff2b": "K", "\uff2c": "L", "\uff2d": "M", "\uff2e": "N", "\uff2f": "O", "\uff30": "P", "\uff31": "Q",
	"\uff32": "R", "\uff33": "S", "\uff34": "T", "\uff35": "U", "\uff36": "V", "\uff37": "W", "\uff38": "X",
	"\uff39": "Y", "\uff3a": "Z", "\uff3b": "[", "\uff3c": "\\", "\uff3d": "]", "\uff3e": "^", "\uff3f": "_",
	"\uff40": "`", "\uff41": "a", "\uff42": "b", "\uff43": "c", "\uff44": "d", "\uff45": "e", "\uff46": "f",
	"\uff47": "g", "\uff48": "h", "\uff49": "i", "\uff4a": "j", "\uff4b": "k", "\uff4c": "l", "\uff4d": "m",
	"\uff4e": "n", "\uff4f": "o", "\uff50": "p", "\uff51": "q", "\uff52": "r", "\uff53": "s", "\uff54": "t",
	"\uff55": "u", "\uff56": "v", "\uff57": "w", "\uff58": "x", "\uff59": "y", "\uff5a": "z", "\uff5b": "{",
	"\uff5c": "|", "\uff5d": "}", "\uff5e": "~",
}

_letters_known(words) := strings.replace_n(object.union(_small, _narrow), words) if {
	# To look for any of them is much cheaper than to replace each.
	regex.match(`[\x{2c2f}\x{a7c0}-\x{a7f5}\x{ff01}-\x{ff5e}\x{10570}-\x{10595}]`, words)
} else := words

_shown(value) := trimmed if {
	trimmed := trim_space(value)
	_is_visible(trimmed)
} else := ""

# Most texts begin with a letter of ASCII, or of Greek or Cyrillic, and need no search.
_is_visible(text) if {
	text >= "!"
	text < "\u007f"
} else if {
	text >= "\u0370"
	text < "\u0590"
} else if {
	regex.match(_visible, text)
}

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
