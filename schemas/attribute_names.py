"""Which Braze attributes a mapping may write."""

from collections.abc import Mapping

#: Standard attributes, lower case and case-sensitive; any other spelling becomes a custom attribute, silently.
#: https://www.braze.com/docs/api/objects_filters/user_attributes_object/#braze-user-profile-fields
STANDARD = frozenset(
    {
        "country",
        "current_location",
        "date_of_first_session",
        "date_of_last_session",
        "dob",
        "email",
        "email_click_tracking_disabled",
        "email_open_tracking_disabled",
        "facebook",
        "first_name",
        "gender",
        "home_city",
        "image_url",
        "language",
        "last_name",
        "marked_email_as_spam_at",
        "phone",
        "time_zone",
        "twitter",
    }
)
#: Standard attributes that hold a date or time, so that a `format` makes sense without a `type`.
STANDARD_DATES = frozenset({"dob", "date_of_first_session", "date_of_last_session", "marked_email_as_spam_at"})
#: Standard attributes that are objects; a location is only taken whole, so both of its members have to be
#: written.
WITH_MEMBERS = frozenset({"facebook", "twitter"})
LOCATION = "current_location"
LOCATION_PARTS = (f"{LOCATION}.longitude", f"{LOCATION}.latitude")
#: Types that a rule for a standard attribute may declare beside `string`: each has its own, whatever a rule says.
STANDARD_TYPES: Mapping[str, frozenset[str]] = {
    **dict.fromkeys(STANDARD, frozenset()),
    **dict.fromkeys(STANDARD_DATES, frozenset({"date", "datetime"})),
    **dict.fromkeys(WITH_MEMBERS | {"current_location"}, frozenset({"object"})),
    **dict.fromkeys(("email_open_tracking_disabled", "email_click_tracking_disabled"), frozenset({"boolean"})),
}
#: They say whom an object is about; only identifier rules decide that.
IDENTIFYING = frozenset({"external_id", "braze_id", "user_alias"})
#: Consent is written by `subscriptions` alone, where yes and no are spelled out.
SUBSCRIPTION = frozenset({"email_subscribe", "push_subscribe", "subscription_groups", "email_subscription_info"})
#: The one of them that holds several: a list with the state of each group.
GROUPS = "subscription_groups"
#: Alone in an object, these make it an operation.
#: https://www.braze.com/docs/api/objects_filters/user_attributes_object/
OPERATION_MEMBERS = frozenset({"inc", "add", "remove"})
#: https://www.braze.com/docs/user_guide/data/activation/attributes/custom_attributes/
MAX_NAME_LENGTH = 255
#: Names that Braze refuses as event properties, and the one that is always ours.
#: https://www.braze.com/docs/api/objects_filters/event_object/
RESERVED_PROPERTIES = frozenset({"time", "event_name", "komo_submission_id"})


def refusal(name: str) -> str | None:
    """Why an attribute can't be written by a rule, in one sentence; None if it can."""
    first, *rest = name.split(".")
    if first in IDENTIFYING:
        return f"{first} says whom the data is about: use the identifiers for it."
    if first.startswith("push_token"):
        return f"{first} belongs to Braze's own SDK and can't be written here."
    if name.startswith(("_", "$")):
        return "Names that start with _ or $ are Braze's own."
    if first in SUBSCRIPTION:
        return f"{first} is consent: use the subscriptions for it."
    if name != name.strip() or not all(step.strip() for step in (first, *rest)):
        return "A name must have no blanks around it and no empty part."
    if any(step.startswith("$") or len(step) > MAX_NAME_LENGTH for step in (first, *rest)):
        return f"Each part of a name has at most {MAX_NAME_LENGTH} characters and does not start with $."
    if len(rest) == 1 and rest[0] in OPERATION_MEMBERS:
        return f"Braze would not take {rest[0]} for a member of {first}, but for something to do to it."
    if rest and first in STANDARD - WITH_MEMBERS and name not in LOCATION_PARTS:
        return f"{first} is Braze's own and has no members."
    return None


def misspelling(name: str) -> str | None:
    """A warning if a name is that of a standard attribute in the wrong case."""
    if name not in STANDARD and name.lower() in STANDARD:
        return f"Braze will make {name} a custom attribute; its own is called {name.lower()}."
    return None
