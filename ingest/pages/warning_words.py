"""What the names of warnings mean to a person: one sentence each, in the reader's language."""

from ingest.pages.language import _, later

#: Warning -> what became of the value. Every name that the pipeline gives has its sentence here (a test looks).
WARNINGS = {
    "accepted_unknown": later("Braze took the request and reported an error that names no value."),
    "array_cut": later("The list has more than 500 entries, which is Braze's limit: only the last 500 are sent."),
    "array_element_left_out": later(
        "An entry of the list can't be stored by Braze and is left out; the others are sent."
    ),
    "array_too_big": later("The list is larger than the 100 KB that Braze stores, so it is left out."),
    "country_unknown": later("This is no country that we know, so it is left out: Braze would empty the field."),
    "date_of_birth_has_a_time": later("A date of birth with a time of day can't be trusted, so it is left out."),
    "date_of_birth_incomplete": later("The format has no day or no month, and Braze needs both for a date of birth."),
    "date_out_of_range": later("The date is too far in the past or future for Braze, so it is left out."),
    "datetime_out_of_range": later("The time is too far in the past or future for Braze, so it is left out."),
    "email_not_valid": later("This is no e-mail address that Braze would take, so it is left out."),
    "event_too_big": later("The event's properties are larger than Braze takes, so the biggest are left out."),
    "events_too_old": later("The events are older than was asked for, so they are left out."),
    "gender_unknown": later("This is no gender that Braze knows, so it is left out."),
    "image_url_not_valid": later("This is no address of a picture, so it is left out."),
    "language_unknown": later("This is no language that we know, so it is left out."),
    "location_not_valid": later("Longitude and latitude do not make a place, so they are left out."),
    "looks_like_operation": later("Braze would take this for something to do rather than a value, so it is left out."),
    "may_have_been_done": later("Braze may have done this before an answer was lost, so it is not done twice."),
    "member_cannot_be_cleared": later("Braze can't empty one part of an object, so nothing is sent for it."),
    "newer_value_kept": later("The same person has sent a newer value since, so this one is left out."),
    "no_recipient": later("Nothing is sent: the person is not known in a way that Braze can write to."),
    "not_a_boolean": later("This is neither a clear yes nor a clear no, so it is left out."),
    "not_a_date": later("This is not a date as the rule expects it. Choose the format in which Komo sends it."),
    "not_a_datetime": later("This is not a time as the rule expects it. Choose the format in which Komo sends it."),
    "not_a_number": later("This is not a number, so it is left out."),
    "not_a_string": later("This is a list or an object and not a text. Choose another type for the rule."),
    "not_a_yes_or_no": later("This is neither a clear yes nor a clear no, so nothing is said about consent."),
    "not_allowed": later("Rules may not write this attribute, so it is left out."),
    "not_an_array": later("This is not a list, so it is left out."),
    "not_an_id": later("This can't be used to find a person: it has to be a text or a whole number."),
    "not_an_integer": later("Only whole numbers can be added up, so this is left out."),
    "not_an_object": later("This is not an object with named parts, so it is left out."),
    "not_an_object_array": later("This is not a list of objects, so it is left out."),
    "not_unicode": later("The text has signs that can't be sent, so it is left out."),
    "nothing_left": later("The list or object has nothing in it, so nothing is sent."),
    "number_ambiguous": later("This number can be read in two ways (1,234 is 1234 or 1.234), so it is left out."),
    "number_out_of_range": later("The number is too large to be sent, so it is left out."),
    "object_key_left_out": later("A part of the object has a name that Braze does not take, and is left out."),
    "object_member_left_out": later("A part of the object can't be stored by Braze and is left out."),
    "object_not_declared": later("This is an object. Choose the type Object if it shall be sent."),
    "object_null_left_out": later("Empty parts of the object are left out."),
    "object_time_left_out": later("A time inside of the object can't be read and is left out."),
    "object_too_big": later("The object is larger than the 100 KB that Braze stores, so it is left out."),
    "object_too_deep": later("The object has too many levels; the deepest are left out."),
    "occurred_at_absent": later("Komo does not say when this happened: the time of receipt is used."),
    "occurred_at_before_2000": later("The time that Komo sends is before the year 2000: the time of receipt is used."),
    "occurred_at_in_the_future": later("The time that Komo sends is in the future: the time of receipt is used."),
    "occurred_at_unreadable": later("The time that Komo sends can't be read: the time of receipt is used."),
    "phone_not_valid": later(
        "This is no phone number with a country code, so it is left out. A default country may help: see step 1."
    ),
    "placeholder": later("This is a placeholder such as null or {{id}}, and names nobody."),
    "send_too_big": later("The message's data is larger than Braze takes, so the biggest parts are left out."),
    "string_cut": later("The text is longer than the 255 characters that Braze stores: the rest is cut off."),
    "string_too_long": later("The text is longer than the 255 characters that Braze stores, so it is left out."),
    "time_zone_unknown": later("This is no time zone that Braze knows, so it is left out."),
    "too_long": later("This is longer than an identifier may be."),
    "unchanged": later("Braze has all of it already, so no request is made."),
    "would_change_person": later(
        "Beside a phone number this address could lead Braze to somebody else: it is left out."
    ),
}


def warning_in_words(warning: str) -> str:
    """
    A sentence about a warning, without the name of what it is about.

    Args:
        warning: As timelines and previews have it: `unchanged`, or `phone: phone_not_valid`.
    """
    code = warning.rpartition(": ")[2]
    return str(WARNINGS[code]) if code in WARNINGS else _("Something about this was unusual: %(name)s.", name=code)


def warned_about(warning: str) -> str:
    """The attribute, property or message that a warning is about; empty if it is about the whole submission."""
    return warning.rpartition(": ")[0]
