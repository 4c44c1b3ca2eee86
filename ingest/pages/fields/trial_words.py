"""What became of a trial, in the words of somebody who has not sent anything yet."""

from collections.abc import Mapping
from typing import Any

from ingest.pages.language import _

Told = Mapping[str, Any]


def outcome(told: Told) -> str:
    """What would happen to the submission."""
    match told["outcome"]:
        case "held":
            return _("It would be kept until the person says who they are.")
        case "filtered":
            return _("It would not be sent.")
        case "dead":
            return _("It could not be sent, and would wait for you as a dead letter.")
    return _("It would be sent to Braze.") if told["requests"] else _("Nothing new: Braze has all of it already.")


def reason(told: Told) -> str:
    """Why, and what to do about it; empty where there is nothing to do."""
    if told["outcome"] == "held":
        return _(
            "It has nothing by which Braze could find the person, but it carries a Komo id. It goes ahead as soon as "
            "the same person fills in the field that you chose in step 4."
        )
    return {
        "not_accepted": _("The settings say that such submissions are not wanted: other cards, events or conditions."),
        "no_identifier": _(
            "It has nothing by which Braze could find the person. Choose a field that is filled in, in step 4."
        ),
        "nothing_mapped": _("No rule takes anything from it. Map a field, or add an event."),
        "bad_identifier": _("The field by which people are found is filled in, but with nothing usable."),
        "no_usable_value": _("None of its values can be used; the list below says why."),
        "too_big": _("It is larger than any request that Braze takes. Send fewer fields."),
        "too_old": _("It is older than the settings allow."),
        "mapping_failed": _("The rules failed on it, which is a mistake in the connector. Its log says where."),
    }.get(told["reason"] or "", "")


def colour(told: Told) -> str:
    """The class of the outcome; the words say it too."""
    return {"delivered": "good", "dead": "bad"}.get(told["outcome"], "wait")


def icon(told: Told) -> str:
    """One of Bootstrap's."""
    names = {"delivered": "check-circle", "dead": "x-octagon", "held": "hourglass-split"}
    return names.get(told["outcome"], "slash-circle")


def identifier(kind: str) -> str:
    """By what Braze finds the person."""
    return {
        "external_id": _("external id"), "braze_id": _("Braze id"), "user_alias": _("alias"),
        "email": _("e-mail address"), "phone": _("phone number"),
    }.get(kind, kind)  # fmt: skip
