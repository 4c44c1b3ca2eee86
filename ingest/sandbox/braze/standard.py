"""Standard fields of a profile: those that do more than hold a value, and those that Braze empties quietly."""

from typing import Any

from ingest.sandbox.braze import formats
from ingest.sandbox.braze.ledgers import Ledgers
from ingest.sandbox.braze.profiles import Profile, Profiles

#: Written without cost. https://www.braze.com/docs/user_guide/data/infrastructure/data_points
FREE = frozenset({"email_subscribe", "push_subscribe", "subscription_groups", "push_tokens"})
#: Profiles with the same address that take over a subscription state at most.
#: https://www.braze.com/docs/user_guide/channels/email/subscriptions
MAX_SHARING = 100


def set_field(profiles: Profiles, ledgers: Ledgers, profile: Profile, name: str, value: Any, now: float) -> None:
    """
    Write one standard field as Braze does.

    Args:
        value: As sent; passed validation. Null clears.
        now: Epoch second.
    """
    if name == "push_token_import":
        return
    if name == "bio":
        ledgers.silent_drops.add(now, "ignored_field", name, profile.braze_id)
        return
    if name == "country" and not _known(value, formats.COUNTRIES):
        ledgers.silent_drops.add(now, "unknown_country", str(value)[:80], profile.braze_id)
        value = None
    if name == "time_zone" and not _known(value, formats.TIME_ZONES):
        ledgers.silent_drops.add(now, "unknown_time_zone", str(value)[:80], profile.braze_id)
        return
    if name not in FREE:
        ledgers.data_points["standard_attributes"] += 1
    before = profile.standard.get(name)
    _store(profiles, profile, name, value)
    profile.growth.wrote(name, before, profile.standard.get(name), now)


def _known(value: Any, names: frozenset[str]) -> bool:
    return value is None or (isinstance(value, str) and value in names)


def _store(profiles: Profiles, profile: Profile, name: str, value: Any) -> None:
    if name == "email":
        _set_email(profiles, profile, value)
    elif name == "phone":
        profiles.set_contact(profile, "phone", value)
    elif name == "email_subscribe":
        _subscribe(profiles, profile, value)
    elif name == "subscription_groups":
        groups = {one["subscription_group_id"]: one["subscription_state"] for one in value}
        profile.standard[name] = {**profile.standard.get(name, {}), **groups}
    elif value is None:
        profile.standard.pop(name, None)
    else:
        profile.standard[name] = value


def _set_email(profiles: Profiles, profile: Profile, value: str | None) -> None:
    """A new address starts as `subscribed`, or as somebody who has it already."""
    before = profile.standard.get("email")
    if before == value:
        return
    holder = profiles.chosen("email", value) if value is not None else None
    profiles.set_contact(profile, "email", value)
    if holder is not None and "email_subscribe" in holder.standard:
        profile.standard["email_subscribe"] = holder.standard["email_subscribe"]
    elif before is not None:
        profile.standard.pop("email_subscribe", None)


def _subscribe(profiles: Profiles, profile: Profile, state: str) -> None:
    profile.standard["email_subscribe"] = state
    address = profile.standard.get("email")
    if address is not None:
        for other in profiles.sharing("email", address)[:MAX_SHARING]:
            other.standard["email_subscribe"] = state
