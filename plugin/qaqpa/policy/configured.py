# SPDX-License-Identifier: Apache-2.0
"""Whether what is configured fits the policies: profiles that exist, and thresholds that loosen no law."""

from __future__ import annotations

from collections.abc import Iterable

from qaqpa.config import Config
from qaqpa.errors import UsageError
from qaqpa.model import Json, JsonObject
from qaqpa.policy.bundle import Catalog
from qaqpa.policy.severity import LACKING

_MAX_THRESHOLD = 1_000_000


def validate_config(config: Config, catalog: Catalog) -> None:
    """Checks what only the catalog knows: profiles, and of thresholds that they exist, can be used and loosen no law.

    Raises:
        UsageError: naming the setting.
    """
    where = str(config.path or "configuration")
    for gate in config.gates:
        for profile in gate.profiles:
            if profile not in catalog.profiles:
                known = ", ".join(catalog.profiles)
                raise UsageError(f"There is no profile {profile!r}", where=where, required=f"one of {known}")
    profiles = {profile for gate in config.gates for profile in gate.profiles}
    for control, names in config.settings.thresholds.items():
        card = catalog.controls.get(control)
        if card is None:
            raise UsageError(
                f"thresholds: there is no control {control!r}", where=where, required="an id such as TRN-01"
            )
        for name, value in names.items():
            _check_threshold(f"{control}.{name}", card.get("thresholds", {}).get(name), value, where, profiles)
    for name in config.settings.raised:
        if name not in raisable(catalog):
            raise UsageError(
                f"raise: there is no control and no violation {name!r}",
                where=where,
                required="an id such as TRN-02, or with a violation's code, TRN-02/comprehension_low",
                mend="qaqpa explain lists a control's violations",
            )


def raisable(catalog: Catalog) -> frozenset[str]:
    """What settings can raise: every control, and `CONTROL/code` for each of its violations."""
    codes = {
        f"{control}/{code}"
        for control, card in catalog.controls.items()
        for code in (*card["texts"]["en"]["violations"], *LACKING)
    }
    return frozenset({*catalog.controls, *codes})


def is_law(threshold: JsonObject, profiles: Iterable[str]) -> bool:
    """True for a threshold that the law set, in one of the profiles at least; what nobody knows to be ours is law."""
    found = threshold["basis"]
    if isinstance(found, str):
        return found != "product_default"
    return any(profile in found for profile in profiles)


def is_looser(threshold: JsonObject, value: Json) -> bool:
    """True when a value asks for less than a card's threshold does."""
    return bool(value < threshold["value"] if threshold["tighter"] == "higher" else value > threshold["value"])


def _check_threshold(name: str, threshold: JsonObject | None, value: Json, where: str, profiles: Iterable[str]) -> None:
    if threshold is None or not isinstance(threshold["value"], (int, float)):
        raise UsageError(
            f"thresholds: {name} does not exist", where=where, mend="qaqpa explain lists a control's thresholds"
        )
    if is_law(threshold, profiles) and is_looser(threshold, value):
        raise UsageError(
            f"thresholds: {name} is law, and {value} is looser", where=where, required=str(threshold["value"])
        )
    # As policies/lib/threshold.rego has it; there every decision would be undecided.
    whole = float(threshold["value"]).is_integer()
    if not 0 <= value <= _MAX_THRESHOLD or (whole and not float(value).is_integer()):
        kind = "a whole number" if whole else "a number"
        raise UsageError(
            f"thresholds: {name}: {value} cannot be used", where=where, required=f"{kind} from 0 to {_MAX_THRESHOLD}"
        )
