"""Why an object of /users/track is refused: the words that Braze uses. Prose as measured, code names as documented."""

#: Prose of the live service where it is known; where no wording is published, ours in the same manner.
TWO_IDENTIFIERS = "You must specify only one of 'external_id', 'user_alias' or 'braze_id'"
NO_IDENTIFIER = "'external_id', 'braze_id', 'user_alias', 'email' or 'phone' is required"
EXTERNAL_ID_TOO_LONG = "'external_id' must be fewer than 988 bytes"
EXTERNAL_ID_BAD = "'external_id' must be a non-empty string"
EXTERNAL_ID_BLOCKED = "provided external_id is blacklisted and disallowed"
BRAZE_ID_BAD = "'braze_id' must be a non-empty string"
ALIAS_BAD = "'user_alias' must have an 'alias_name' and an 'alias_label' of 1 to 236 bytes"
EMAIL_BAD = "The value provided for the 'email' field is not a valid email."
PHONE_BAD = "The value provided for the 'phone' field is not a valid phone number."
EMAIL_SUBSCRIBE_BAD = "'email_subscribe' must be 'subscribed', 'unsubscribed', or 'opted_in'"
PUSH_SUBSCRIBE_BAD = "'push_subscribe' must be 'subscribed', 'unsubscribed', or 'opted_in'"
EMAIL_SUBSCRIPTION_INFO = "'email_subscription_info' is not a valid attribute"
GROUPS_NOT_ARRAY = "'subscription_groups' must be an array"
GROUP_NOT_OBJECT = "'subscription_groups' must be an array of objects"
GROUP_ID_BAD = "'subscription_group_id' must be a valid subscription group id"
GROUP_STATE_BAD = "'subscription_state' must be 'subscribed' or 'unsubscribed'"
LOCATION_BAD = "'current_location' must have a numeric 'longitude' and 'latitude'"
PUSH_TOKENS_BAD = "'push_tokens' must be an array of objects with 'app_id' and 'token'"
PUSH_IMPORT_BAD = "'push_token_import' needs 'push_tokens' and neither 'external_id' nor 'braze_id'"
PROPERTIES_BAD = "Invalid 'properties' field"
QUANTITY_BAD = "'quantity' is not valid"
NAME_BAD = "'name' is required and must be a string of 1 to 255 characters"
TIME_BAD = "'time' is required and must be an ISO 8601 date"
PRODUCT_BAD = "'product_id' is required and must be a string of 1 to 255 characters"
CURRENCY_BAD = "'currency' is required and must be an ISO 4217 code"
PRICE_BAD = "'price' is required and must be a number"
NOT_AN_OBJECT = "Each entry must be an object"

#: https://www.braze.com/docs/api/endpoints/user_data/post_user_track/
CODE_NAMES = {
    EXTERNAL_ID_TOO_LONG: "EXTERNAL_USER_ID_TOO_LARGE",
    EXTERNAL_ID_BLOCKED: "BLACKLISTED_EXTERNAL_USER_ID",
    EMAIL_BAD: "EMAIL_BAD_FORMAT",
    EMAIL_SUBSCRIBE_BAD: "BAD_EMAIL_SUBSCRIPTION_STATE",
    PUSH_SUBSCRIBE_BAD: "BAD_PUSH_SUBSCRIPTION_STATE",
    EMAIL_SUBSCRIPTION_INFO: "INVALID_ATTRIBUTE_EMAIL_SUBSCRIPTION_INFO",
    GROUPS_NOT_ARRAY: "BAD_SUBSCRIPTION_GROUP_ARRAY",
    GROUP_NOT_OBJECT: "BAD_SUBSCRIPTION_GROUP_HASH",
    GROUP_ID_BAD: "BAD_SUBSCRIPTION_GROUP_ID",
    GROUP_STATE_BAD: "BAD_SUBSCRIPTION_GROUP_STATE",
    LOCATION_BAD: "BAD_LOCATION_UPDATE",
    PUSH_TOKENS_BAD: "BAD_PUSH_TOKEN_VALUE",
    PUSH_IMPORT_BAD: "BAD_PUSH_TOKEN_IMPORT",
}


def bad_value(field: str) -> str:
    """The refusal of a standard field whose treatment Braze does not document: we refuse, to be strict."""
    return f"The value provided for the '{field}' field is not valid."
