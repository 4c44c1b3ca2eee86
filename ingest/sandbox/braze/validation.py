"""What /users/track refuses, object by object. Pure: an object goes in, the text of its refusal or None comes out."""

import re
from collections.abc import Callable
from typing import Any

import orjson

from ingest.sandbox.braze import formats, refusals

Found = Callable[[str, str], None]

STATES = ("opted_in", "subscribed", "unsubscribed")
CURRENCY = re.compile(r"[A-Za-z]{3}")
UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
#: https://www.braze.com/docs/api/endpoints/user_data/post_user_track/
MAX_EXTERNAL_ID_BYTES = 987
#: https://www.braze.com/docs/api/objects_filters/user_alias_object/
MAX_ALIAS_BYTES = 236
MAX_NAME = MAX_STRING = 255
#: https://www.braze.com/docs/user_guide/data/activation/custom_data/data_types
MAX_EVENT_PROPERTIES_BYTES = 100 * 1024
#: https://www.braze.com/docs/api/objects_filters/purchase_object/
MAX_PURCHASE_PROPERTIES_BYTES = 50 * 1024
EVENT_RESERVED = frozenset({"time", "event_name"})
PURCHASE_RESERVED = EVENT_RESERVED | {"product_id", "quantity", "price", "currency"}


def check_identifier(given: dict[str, Any]) -> str | None:
    """Exactly one of the three primary identifiers, or an e-mail address, or a phone number."""
    external_id, alias, braze_id = given.get("external_id"), given.get("user_alias"), given.get("braze_id")
    if external_id is not None:
        if alias is not None or braze_id is not None:
            return refusals.TWO_IDENTIFIERS
        return _check_external_id(external_id)
    if alias is not None:
        return refusals.TWO_IDENTIFIERS if braze_id is not None else _check_alias(alias)
    if braze_id is not None:
        return None if isinstance(braze_id, str) and braze_id else refusals.BRAZE_ID_BAD
    return _check_contact(given)


def _check_external_id(value: object) -> str | None:
    if not isinstance(value, str) or not value:
        return refusals.EXTERNAL_ID_BAD
    if len(value) * 4 > MAX_EXTERNAL_ID_BYTES and len(value.encode()) > MAX_EXTERNAL_ID_BYTES:
        return refusals.EXTERNAL_ID_TOO_LONG
    return None


def _check_alias(value: object) -> str | None:
    if not isinstance(value, dict):
        return refusals.ALIAS_BAD
    for part in (value.get("alias_name"), value.get("alias_label")):
        if not isinstance(part, str) or not 1 <= len(part.encode()) <= MAX_ALIAS_BYTES:
            return refusals.ALIAS_BAD
    return None


def _check_contact(given: dict[str, Any]) -> str | None:
    email, phone = given.get("email"), given.get("phone")
    if email is not None:
        return None if isinstance(email, str) and formats.is_email(email) else refusals.EMAIL_BAD
    if phone is not None:
        return None if isinstance(phone, str) and formats.is_phone(phone) else refusals.PHONE_BAD
    return None if given.get("push_token_import") is True else refusals.NO_IDENTIFIER


def check_attributes(given: Any, violation: Found) -> str | None:
    """
    Why Braze would refuse this attributes object; None where it takes it.

    Args:
        given: One member of the `attributes` array, as parsed.
        violation: Told (kind, detail) of values whose treatment Braze does not document. We refuse those.
    Source: https://www.braze.com/docs/api/objects_filters/user_attributes_object/
    """
    if not isinstance(given, dict):
        return refusals.NOT_AN_OBJECT
    why = check_identifier(given)
    if why is not None:
        return why
    for name, value in given.items():
        rule = STANDARD_RULES.get(name)
        if rule is not None:
            why = rule(value)
            if why is UNDOCUMENTED:
                violation("undocumented_value", f"{name}: {str(value)[:80]}")
                return refusals.bad_value(name)
            if why is not None:
                return why
        elif name[:1] == "$" or not 1 <= len(name.strip()) <= MAX_NAME:
            violation("attribute_name", name[:300])
            return refusals.bad_value(name[:MAX_NAME])
    return _check_push(given)


#: Marks a bad value of a field for which no page says what happens.
UNDOCUMENTED = "undocumented"


def _text(value: object) -> str | None:
    return None if value is None or (isinstance(value, str) and len(value) <= MAX_STRING) else UNDOCUMENTED


def _flag(value: object) -> str | None:
    return None if value is None or isinstance(value, bool) else UNDOCUMENTED


def _time(value: object) -> str | None:
    return None if value is None or formats.read_time(value) else UNDOCUMENTED


def _mapping(value: object) -> str | None:
    return None if value is None or isinstance(value, dict) else UNDOCUMENTED


def _email(value: object) -> str | None:
    return None if value is None or (isinstance(value, str) and formats.is_email(value)) else refusals.EMAIL_BAD


def _phone(value: object) -> str | None:
    return None if value is None or (isinstance(value, str) and formats.is_phone(value)) else UNDOCUMENTED


def _gender(value: object) -> str | None:
    return None if value in (None, "M", "F", "O", "N", "P") else UNDOCUMENTED


def _dob(value: object) -> str | None:
    return None if value is None or formats.is_date(value) else UNDOCUMENTED


def _language(value: object) -> str | None:
    return None if value is None or (isinstance(value, str) and value in formats.LANGUAGES) else UNDOCUMENTED


def _image(value: object) -> str | None:
    return None if value is None or (isinstance(value, str) and len(value) <= 1024) else UNDOCUMENTED


def _location(value: object) -> str | None:
    if value is None:
        return None
    place = value if isinstance(value, dict) else {}
    fits = _within(place.get("longitude"), 180) and _within(place.get("latitude"), 90)
    return None if fits else refusals.LOCATION_BAD


def _within(value: Any, bound: int) -> bool:
    return is_number(value) and -bound <= value <= bound


def _email_subscribe(value: object) -> str | None:
    return None if value in STATES else refusals.EMAIL_SUBSCRIBE_BAD


def _push_subscribe(value: object) -> str | None:
    return None if value in STATES else refusals.PUSH_SUBSCRIBE_BAD


def _groups(value: object) -> str | None:
    if not isinstance(value, list):
        return refusals.GROUPS_NOT_ARRAY
    for group in value:
        if not isinstance(group, dict):
            return refusals.GROUP_NOT_OBJECT
        if not UUID.fullmatch(str(group.get("subscription_group_id"))):
            return refusals.GROUP_ID_BAD
        if group.get("subscription_state") not in ("subscribed", "unsubscribed"):
            return refusals.GROUP_STATE_BAD
    return None


def _info(_: object) -> str | None:
    return refusals.EMAIL_SUBSCRIPTION_INFO


#: Names that are no custom attributes, each with its rule; the identifiers are checked before.
STANDARD_RULES: dict[str, Callable[[Any], str | None]] = {
    "external_id": lambda _: None, "user_alias": lambda _: None, "braze_id": lambda _: None,
    "email": _email, "phone": _phone,
    "first_name": _text, "last_name": _text, "home_city": _text,
    "country": lambda _: None, "time_zone": lambda _: None, "bio": lambda _: None,
    "gender": _gender, "dob": _dob, "language": _language, "image_url": _image, "current_location": _location,
    "date_of_first_session": _time, "date_of_last_session": _time, "marked_email_as_spam_at": _time,
    "email_subscribe": _email_subscribe, "push_subscribe": _push_subscribe, "subscription_groups": _groups,
    "email_open_tracking_disabled": _flag, "email_click_tracking_disabled": _flag,
    "push_tokens": lambda _: None, "push_token_import": _flag, "facebook": _mapping, "twitter": _mapping,
    "email_subscription_info": _info, "_update_existing_only": _flag, "_merge_objects": _flag,
}  # fmt: skip


def _check_push(given: dict[str, Any]) -> str | None:
    tokens, imports = given.get("push_tokens"), given.get("push_token_import")
    if tokens is not None:
        if not isinstance(tokens, list):
            return refusals.PUSH_TOKENS_BAD
        for token in tokens:
            if not isinstance(token, dict) or not all(isinstance(token.get(part), str) for part in ("app_id", "token")):
                return refusals.PUSH_TOKENS_BAD
    if imports and (not tokens or given.get("external_id") is not None or given.get("braze_id") is not None):
        return refusals.PUSH_IMPORT_BAD
    return None


def check_event(given: Any, violation: Found) -> str | None:
    """
    Why Braze would refuse this event object; None where it takes it.

    Source: https://www.braze.com/docs/api/objects_filters/event_object/
    """
    if not isinstance(given, dict):
        return refusals.NOT_AN_OBJECT
    why = check_identifier(given)
    if why is not None:
        return why
    name = given.get("name")
    if not isinstance(name, str) or not name or len(name) > MAX_NAME:
        return refusals.NAME_BAD
    if formats.read_time(given.get("time")) is None:
        return refusals.TIME_BAD
    if "properties" not in given:
        return None
    return check_properties(given["properties"], violation, EVENT_RESERVED, MAX_EVENT_PROPERTIES_BYTES)


def check_purchase(given: Any, violation: Found) -> str | None:
    """
    Why Braze would refuse this purchase object; None where it takes it.

    Source: https://www.braze.com/docs/api/objects_filters/purchase_object/
    """
    if not isinstance(given, dict):
        return refusals.NOT_AN_OBJECT
    why = check_identifier(given) or _check_sale(given)
    if why is not None or "properties" not in given:
        return why
    return check_properties(given["properties"], violation, PURCHASE_RESERVED, MAX_PURCHASE_PROPERTIES_BYTES)


def _check_sale(given: dict[str, Any]) -> str | None:
    product, currency, quantity = given.get("product_id"), given.get("currency"), given.get("quantity", 1)
    if not isinstance(product, str) or not 1 <= len(product) <= MAX_STRING:
        return refusals.PRODUCT_BAD
    if not isinstance(currency, str) or not CURRENCY.fullmatch(currency):
        return refusals.CURRENCY_BAD
    if not is_number(given.get("price")):
        return refusals.PRICE_BAD
    if not isinstance(quantity, int) or isinstance(quantity, bool) or not 1 <= quantity <= 100:
        return refusals.QUANTITY_BAD
    return None if formats.read_time(given.get("time")) else refusals.TIME_BAD


def check_properties(given: Any, violation: Found, reserved: frozenset[str], max_bytes: int) -> str | None:
    """Why Braze would refuse these properties of an event or purchase; None where it takes them."""
    if not isinstance(given, dict) or not reserved.isdisjoint(given):
        return refusals.PROPERTIES_BAD
    nested = False
    for name, value in given.items():
        if not name or name[0] == "$" or len(name) > MAX_NAME:
            return refusals.PROPERTIES_BAD
        if isinstance(value, str):
            if len(value) > MAX_STRING:
                violation("property_too_long", f"{name}: {len(value)} characters")
                return refusals.PROPERTIES_BAD
        elif value is None:
            violation("property_null", name)
        elif isinstance(value, dict | list):
            nested = True
    if (nested or len(given) > 50) and len(orjson.dumps(given)) > max_bytes:
        return refusals.PROPERTIES_BAD
    return None


def is_number(value: Any) -> bool:
    """Whether this is a JSON number."""
    return isinstance(value, int | float) and not isinstance(value, bool)
