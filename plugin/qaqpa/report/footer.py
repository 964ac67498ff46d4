# SPDX-License-Identifier: Apache-2.0
"""What a report says at its end of the configuration and of the places whose law was asked."""

from __future__ import annotations

from collections.abc import Iterator

from qaqpa.model import Decision, Separation, Stage, Strength, Verdict
from qaqpa.report.texts import Texts


def circumstances(decision: Decision, texts: Texts) -> Iterator[str]:
    """What has to be known of how it was decided: what was set, what was left out, and whether it was a review."""
    document = decision.document
    settings = document["settings"]
    production = document["stage"] == Stage.PRODUCTION.value
    if production and settings["separation_of_duties"] == Separation.OFF.value:
        yield texts.say("footer.separation_off")
    unsigned = settings["minimum_strength"] == Strength.DECLARED.value
    if not production and unsigned and decision.verdict is Verdict.ALLOW:
        yield texts.say("footer.unsigned")
    if document["as_of"]:
        yield texts.say("footer.as_of", day=document["now"]["text"][:10])
    yield from thresholds(decision, texts)
    yield from places(decision, texts)
    if settings["raised"]:
        yield texts.say("footer.raised", found=settings["raised"])
    if document["stage"] == Stage.REVIEW.value:
        yield texts.say("footer.review")


def thresholds(decision: Decision, texts: Texts) -> list[str]:
    """The thresholds that the configuration set, each beside what its card says; none where it set none."""
    found = [
        texts.say("footer.threshold", control=control, name=name, value=value, own=_of_card(control, name, texts))
        for control, names in decision.document["settings"]["thresholds"].items()
        for name, value in names.items()
    ]
    return [texts.say("footer.settings", found=found)] if found else []


def places(decision: Decision, texts: Texts) -> Iterator[str]:
    """The places that the context names and no chosen profile is about, and the other way round."""
    profiles = decision.document["profiles"]
    named = decision.context.get("jurisdictions", ())
    for place in named:
        claiming = texts.catalog.claiming(place)
        if claiming and not set(claiming) & set(profiles):
            yield texts.say("footer.jurisdiction", place=place, profiles=claiming)
    for profile in profiles if named else ():
        about = _places_of(profile, texts)
        if about and not about & set(named):
            yield texts.say("footer.elsewhere", profile=profile, places=sorted(about))


def _of_card(control: str, name: str, texts: Texts) -> object:
    return texts.catalog.controls.get(control, {}).get("thresholds", {}).get(name, {}).get("value")


def _places_of(profile: str, texts: Texts) -> set[str]:
    """Those whose statutes a profile claims."""
    content = texts.catalog.profiles.get(profile, {})
    acts = content.get("acts", ()) if content.get("statutory") else ()
    return {str(texts.catalog.law.get(act, {}).get("jurisdiction")) for act in acts}
