# METADATA
# title: Separation of duties
# description: |
#   Whoever asks for a model to go to production may not be the only one who vouches for it. The setting says whether
#   this is asked always (`required`), only where it is known who asks (`when_known`), or never (`off`).
package qaqpa.separation

import data.qaqpa.evidence
import data.qaqpa.stage

# METADATA
# description: What denies because duties are not separated, as a set of `{code, detail}`.
problems contains {"code": "separation_of_duties", "detail": input.actor} if {
	_asked
	is_string(input.actor)
	_signers == {input.actor}
}

problems contains {"code": "actor_unknown", "detail": ""} if {
	_asked
	_setting == "required"
	not is_string(input.actor)
}

_asked if {
	stage.production
	_setting != "off"
}

# A setting that is missing or unknown is taken as the strictest.
default _setting := "required"

_setting := setting if {
	setting := input.settings.separation_of_duties
	setting in {"off", "when_known"}
}

# Everybody who signed anything that counts, once.
_signers := {signer.id |
	some kind, _ in input.evidence
	some item in evidence.counted(kind)
	some signer in item.signers
}
