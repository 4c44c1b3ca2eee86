import base64
import hashlib
import hmac
from collections.abc import Collection, Sequence

import pytest
from werkzeug.datastructures import Headers

from ingest.verify import TOLERANCE_S, is_genuine, sign

SECRET = "whsec_" + base64.b64encode(b"the first of two secrets").decode()
OLDER = "whsec_" + base64.b64encode(b"the second of two secrets").decode()
URL_KEY = "a-value-of-its-own"
BODY = b'{"event":"CardViewed"}'
NOW_S = 1_795_518_063
EVERY_METHOD = ("bearer", "url_key", "signature")


def genuine(
    headers: dict[str, str] | None = None,
    url_key: str | None = None,
    body: bytes = BODY,
    *,
    methods: Collection[str] = EVERY_METHOD,
    secrets: Sequence[str] = (SECRET,),
    url_keys: Sequence[str] = (URL_KEY,),
) -> bool:
    return is_genuine(
        Headers(headers or {}), url_key, body, methods=methods, secrets=secrets, url_keys=url_keys, now_s=NOW_S + 0.5
    )


def signed(
    body: bytes = BODY,
    *,
    secret: str = SECRET,
    sent_at: str = str(NOW_S),
    message_id: str = "msg_1",
    version: str = "v1",
) -> dict[str, str]:
    key = base64.b64decode(secret.removeprefix("whsec_"))
    digest = hmac.new(key, f"{message_id}.{sent_at}.".encode() + body, hashlib.sha256).digest()
    return {
        "webhook-id": message_id,
        "webhook-timestamp": sent_at,
        "webhook-signature": f"{version},{base64.b64encode(digest).decode()}",
    }


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def test_each_of_the_three_proofs_will_do() -> None:
    """Senders differ in what they can set."""
    assert genuine(bearer(SECRET))
    assert genuine(url_key=URL_KEY)
    assert genuine(signed())


def test_without_a_proof_nothing_is_genuine() -> None:
    """Anybody can find the address."""
    assert not genuine()
    assert not genuine({"Authorization": SECRET})
    assert not genuine({"Authorization": f"Basic {SECRET}"})


@pytest.mark.parametrize("method", EVERY_METHOD)
def test_a_method_that_is_switched_off_proves_nothing(method: str) -> None:
    """A leaked address should be of no use where only signatures are allowed."""
    others = {*EVERY_METHOD} - {method}
    headers, key = {"bearer": (bearer(SECRET), None), "url_key": ({}, URL_KEY), "signature": (signed(), None)}[method]
    assert genuine(headers, key, methods=[method])
    assert not genuine(headers, key, methods=others)
    assert not genuine(headers, key, methods=[])


def test_one_good_proof_is_enough_beside_a_wrong_one() -> None:
    """An old bearer token may be left in a sender that signs."""
    assert genuine(signed() | bearer("wrong"), "wrong")
    assert genuine(bearer("wrong"), URL_KEY)


def test_both_secrets_are_good_while_one_replaces_the_other() -> None:
    """Sender and receiver can't be changed in the same moment."""
    for secret in (SECRET, OLDER):
        assert genuine(bearer(secret), secrets=(SECRET, OLDER))
        assert genuine(signed(secret=secret), secrets=(SECRET, OLDER))
        assert genuine(url_key=secret, url_keys=(SECRET, OLDER))
    assert not genuine(bearer(OLDER))
    assert not genuine(signed(secret=OLDER))


def test_the_secret_and_the_url_key_do_not_stand_for_each_other() -> None:
    """An address is seen by many; what is in it must not sign anything."""
    assert not genuine(bearer(URL_KEY))
    assert not genuine(url_key=SECRET)


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_the_scheme_is_read_in_any_case(scheme: str) -> None:
    """As RFC 9110 has it."""
    assert genuine({"authorization": f"{scheme} {SECRET}"})
    assert genuine({"AUTHORIZATION": f"{scheme}   {SECRET} "})


@pytest.mark.parametrize("token", [SECRET[:-1], SECRET + "x", SECRET.upper(), SECRET.removeprefix("whsec_"), "", " "])
def test_a_near_miss_is_a_miss(token: str) -> None:
    """The secret counts exactly as it was given."""
    assert not genuine(bearer(token))


@pytest.mark.parametrize("empty", ["", "whsec_"])
def test_an_empty_secret_lets_nobody_in(empty: str) -> None:
    """Were one ever stored, everybody would know it."""
    assert not genuine(bearer(""), "", secrets=[""], url_keys=[""])
    assert not genuine({"Authorization": "Bearer"}, secrets=[""])
    assert not genuine(signed(secret=empty), secrets=[empty])
    assert not genuine(signed(secret=empty), secrets=[])


@pytest.mark.parametrize("change", ["body", "id", "time"])
def test_the_signature_covers_body_id_and_time(change: str) -> None:
    """None of them may be exchanged on the way."""
    headers, body = signed(), BODY
    if change == "body":
        body += b" "
    elif change == "id":
        headers["webhook-id"] = "msg_2"
    else:
        headers["webhook-timestamp"] = str(NOW_S + 1)
    assert not genuine(headers, body=body)


@pytest.mark.parametrize("missing", ["webhook-id", "webhook-timestamp", "webhook-signature"])
def test_a_missing_header_is_no_signature(missing: str) -> None:
    """All three belong to it."""
    headers = signed()
    del headers[missing]
    assert not genuine(headers)


@pytest.mark.parametrize(
    ("away_s", "good"), [(0, True), (TOLERANCE_S, True), (-TOLERANCE_S + 1, True), (TOLERANCE_S + 1, False),
                         (-TOLERANCE_S, False), (-TOLERANCE_S - 1, False)]
)  # fmt: skip
def test_a_signature_is_good_for_five_minutes(away_s: int, good: bool) -> None:
    """Whoever records a request must not be able to send it again next week. (The clock stands half a second past.)"""
    assert genuine(signed(sent_at=str(NOW_S + away_s))) is good


@pytest.mark.parametrize(
    "sent_at", ["", "now", "-5", "1795518063.5", "1e9", " ", "1_795_518_063", "9" * 30, "9" * 9999, "١٧٩٥٥١٨٠٦٣", "²"]
)
def test_a_time_that_is_none_proves_nothing_and_breaks_nothing(sent_at: str) -> None:
    """Before the proof, everything in a request is a stranger's."""
    assert not genuine(signed() | {"webhook-timestamp": sent_at})


def test_one_of_several_signatures_is_enough() -> None:
    """A sender that rotates its secret signs with both."""
    good, other = signed()["webhook-signature"], signed(secret=OLDER)["webhook-signature"]
    for listed in (f"{good} {other}", f"{other} {good}", f"{other}  {good} ", f"v1a,abc {other} {good}", f"v1, {good}"):
        assert genuine(signed() | {"webhook-signature": listed})
    assert not genuine(signed() | {"webhook-signature": f"{other} {other}"})


@pytest.mark.parametrize("version", ["v2", "v1a", "V1", "", "v1 "])
def test_only_the_first_version_of_signatures_counts(version: str) -> None:
    """The others are of another kind."""
    assert not genuine(signed(version=version))


@pytest.mark.parametrize(
    "signature", ["", "v1", "v1,", "v1,=", "v1,!!!", "v1,é", "v1,\x00", ",", "v1,AAAA", "v1," + "A" * 9999]
)
def test_a_signature_that_is_none_proves_nothing_and_breaks_nothing(signature: str) -> None:
    """Neither wrong base64 nor letters that have no place there."""
    assert not genuine(signed() | {"webhook-signature": signature})


@pytest.mark.parametrize("text", ["é", "\xff\xfe", "日本", "\ud800"])
def test_letters_outside_ascii_are_compared_like_any_other(text: str) -> None:
    """The usual comparison in constant time refuses them with an exception."""
    given = {"Authorization": f"Bearer {text}", "webhook-id": text, "webhook-signature": f"v1,{text}"}
    assert not genuine(signed() | given, text)
    assert genuine(url_key=text, url_keys=[text])
    if text.strip():
        assert genuine({"Authorization": f"Bearer {text}"}, secrets=[text])


@pytest.mark.parametrize("secret", ["not base64!", "whsec_not base64!", "whsec_abc", "geheimé"])
def test_a_secret_that_is_not_base64_signs_as_it_is(secret: str) -> None:
    """Ours are base64; a broken one must not turn every request into an error."""
    expected = base64.b64encode(hmac.new(secret.encode(), b"x", hashlib.sha256).digest()).decode()
    assert sign(secret, b"x") == expected
    assert not genuine(signed(), secrets=[secret])


def test_the_published_example_is_genuine() -> None:
    """
    What other libraries sign, we accept.

    Source: the tests of https://github.com/standard-webhooks/standard-webhooks
    """
    headers = {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }
    assert is_genuine(
        Headers(headers),
        None,
        b'{"test": 2432232314}',
        methods=["signature"],
        secrets=["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"],
        url_keys=[],
        now_s=1614265330,
    )
