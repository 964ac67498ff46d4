# METADATA
# title: Separation of duties
# description: |
#   Whoever asks for a model to go to production may not be the only one who vouches for it. The setting says whether
#   this is asked always (`required`), only where it is known who asks (`when_known`), or never (`off`). Names that
#   differ by case, width, blanks or what nobody sees are the name of one person.
package qaqpa.separation

import data.qaqpa.evidence
import data.qaqpa.fields
import data.qaqpa.stage

# METADATA
# description: What denies because duties are not separated, as a set of `{code, detail}`.
problems contains {"code": "separation_of_duties", "detail": input.actor} if {
	stage.production
	_setting != "off"
	is_string(input.actor)
	{fields.folded(signer) | some signer in _signers} == {fields.folded(input.actor)}
}

problems contains {"code": "actor_unknown", "detail": ""} if {
	stage.production
	_setting == "required"
	input.actor == null
}

# A setting that is missing switches nothing off.
default _setting := ""

_setting := input.settings.separation_of_duties

# Everybody who signed anything that counts, once.
_signers := {signer.id |
	some kind, _ in input.evidence
	some item in evidence.counted(kind)
	some signer in item.signers
}
