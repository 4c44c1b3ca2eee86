import html
import json
import time
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workers.braze.reply import (
    LONGEST_WAIT_S,
    MAX_WORDS,
    MOST_READ,
    Accepted,
    AllRefused,
    Answer,
    BadRequest,
    NoAnswer,
    NotAllowed,
    RateLimited,
    Refusal,
    Reply,
    Unavailable,
    read_reply,
    redact,
)

SAMPLES = Path(__file__).parents[2] / "data" / "braze"
KEY = "00000000-1111-2222-3333-444444444444"
#: A minute before the reset that the samples name.
NOW_S = 1795518063 - 60.0
SUCCESS = b'{"message":"success"}'


def read(status: int, body: Any = SUCCESS, /, **headers: str) -> Reply:
    raw = body if isinstance(body, bytes) else orjson.dumps(body)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return read_reply(status, named, raw, secret=KEY, now_s=NOW_S)


def sample(name: str) -> list[Reply]:
    return [
        read_reply(
            one["status"],
            one.get("headers", {}),
            one["body_text"].encode() if "body_text" in one else orjson.dumps(one["body"]),
            secret=KEY,
            now_s=NOW_S,
        )
        for one in json.loads((SAMPLES / f"{name}.json").read_text())
    ]


@pytest.mark.parametrize(
    ("name", "kinds"),
    [
        ("track-success-201", [Accepted]),
        ("track-queued-202", [Accepted]),
        ("track-partial-201", [Accepted]),
        ("track-partial-enum-201", [Accepted]),
        ("track-partial-unplaceable-201", [Accepted] * 4),
        ("track-all-invalid-400", [AllRefused]),
        ("track-empty-400", [BadRequest]),
        ("error-400-bad-json", [BadRequest] * 2),
        ("error-400-too-many-objects", [BadRequest]),
        ("error-401", [NotAllowed] * 2),
        ("error-403", [NotAllowed] * 2),
        ("error-403-404-ip-and-url", [NotAllowed] * 2),
        ("error-413", [BadRequest] * 2),
        ("error-415", [NotAllowed]),
        ("error-429", [RateLimited] * 4),
        ("error-5xx", [Unavailable] * 4),
        ("rate-limit-headers", [Accepted] * 4),
    ],
)
def test_every_published_answer_is_known(name: str, kinds: list[type]) -> None:
    """The samples hold what Braze documents and what others have met."""
    assert [type(reply) for reply in sample(name)] == kinds


def test_no_sample_is_left_untried() -> None:
    """A new sample without a line in the table above would prove nothing."""
    known = test_every_published_answer_is_known.pytestmark[0].args[1]  # type: ignore[attr-defined]
    assert {path.stem for path in SAMPLES.glob("*.json")} == {name for name, _ in known}


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (100, Unavailable),
        (199, Unavailable),
        (200, Accepted),
        (202, Accepted),
        (299, Accepted),
        (300, NotAllowed),
        (301, NotAllowed),
        (302, NotAllowed),
        (308, NotAllowed),
        (400, BadRequest),
        (401, NotAllowed),
        (402, NotAllowed),
        (403, NotAllowed),
        (404, NotAllowed),
        (405, NotAllowed),
        (407, NotAllowed),
        (408, Unavailable),
        (413, BadRequest),
        (415, NotAllowed),
        (418, NotAllowed),
        (422, BadRequest),
        (425, Unavailable),
        (429, RateLimited),
        (500, Unavailable),
        (502, Unavailable),
        (503, Unavailable),
        (504, Unavailable),
        (520, Unavailable),
        (599, Unavailable),
        (999, Unavailable),
    ],
)
@pytest.mark.parametrize("body", [SUCCESS, b"<html><body>nothing to see</body></html>", b""])
def test_every_status_has_a_meaning_whatever_the_body(status: int, body: bytes, kind: type) -> None:
    """Four layers stand before Braze, and none but the last is bound to JSON."""
    if 200 <= status < 300 and body != SUCCESS:
        kind = NoAnswer
    assert type(read(status, body)) is kind


@pytest.mark.parametrize(
    "body",
    [b"", b"<html>ok</html>", b'{"message":"succ', b"[]", b"null", b'"success"', b"\xff\xfe", b'{"message":"fine"}',
     b'{"message":["success"]}', b"[" * 5000],
)  # fmt: skip
def test_a_success_that_does_not_say_so_is_no_answer(body: bytes) -> None:
    """Something answered 200 for Braze, or its answer was cut off: the outcome is unknown, not good."""
    reply = read(201, body)
    assert isinstance(reply, NoAnswer)
    assert (reply.status, reply.applied) == (201, "unknown")


def test_refused_objects_are_named_by_array_and_index() -> None:
    """Whoever is behind them is set aside, and nobody else."""
    [partial], [all_invalid] = sample("track-partial-201"), sample("track-all-invalid-400")
    assert isinstance(partial, Accepted)
    assert [(one.array, one.index) for one in partial.refused] == [("attributes", n) for n in (1, 3, 4)]
    assert "email_subscribe" in partial.refused[0].words
    assert partial.unplaced == 0
    assert isinstance(all_invalid, AllRefused)
    assert [one.index for one in all_invalid.refused] == [0, 1]


def test_errors_that_name_no_object_are_counted() -> None:
    """The rest is accepted; that one object of it is not, nobody can say which."""
    unplaced = [reply.unplaced for reply in sample("track-partial-unplaceable-201") if isinstance(reply, Accepted)]
    assert unplaced == [1, 0, 1, 0]


@pytest.mark.parametrize(
    "error",
    ["some minor problem", None, 7, [], {}, {"type": "odd"}, {"input_array": "attributes"}, {"index": 0},
     {"input_array": "attributes", "index": -1}, {"input_array": "attributes", "index": "0"},
     {"input_array": "attributes", "index": True}, {"input_array": "attributes", "index": 0.0},
     {"input_array": "users", "index": 0}, {"input_array": None, "index": None}],
)  # fmt: skip
def test_an_error_of_another_shape_is_placed_on_nobody(error: Any) -> None:
    """To blame the wrong person is worse than to blame no one."""
    accepted = read(201, {"message": "success", "errors": [error]})
    assert isinstance(accepted, Accepted)
    assert (accepted.refused, accepted.unplaced) == ([], 1)
    named = {"type": "bad", "input_array": "events", "index": 0}
    assert isinstance(read(400, {"message": "no", "errors": [named, error]}), BadRequest)


def test_errors_may_be_one_object_or_one_text() -> None:
    """A list is documented, and has not always been what came."""
    one = {"type": "bad", "input_array": "events", "index": 2}
    placed = Accepted(201, "success", refused=[Refusal("events", 2, "bad")])
    assert read(201, {"message": "success", "errors": one}) == placed
    assert read(201, {"message": "success", "errors": "bad"}) == Accepted(201, "success", unplaced=1)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"message": "Access Denied"}, "Access Denied"),
        ({"error": "Access Denied"}, "Access Denied"),
        ({"message": None, "error": "Access Denied"}, "Access Denied"),
        ({"message": {"reason": "no"}}, '{"reason":"no"}'),
        ({}, ""),
        (b"<html>\r\n <title>Access  Denied</title>\n</html>", "<html> <title>Access Denied</title> </html>"),
        (b"\xff\xfeno", "\N{REPLACEMENT CHARACTER}\N{REPLACEMENT CHARACTER}no"),
    ],
)
def test_braze_s_words_are_found_wherever_they_stand(body: Any, words: str) -> None:
    """They are what a person gets to read."""
    assert read(403, body).words == words


def test_words_are_cut() -> None:
    """A page of HTML for each attempt would fill the store."""
    assert len(read(503, b"x" * 100_000).words) == MAX_WORDS
    refused = read(201, {"message": "success", "errors": [{"type": "x" * 9999, "input_array": "events", "index": 0}]})
    assert isinstance(refused, Accepted)
    assert len(refused.refused[0].words) == MAX_WORDS


def test_the_key_that_a_401_repeats_is_taken_out() -> None:
    """Words go into dead letters and onto pages."""
    first, second = sample("error-401")
    assert first.words == "Invalid API key: [key]"
    assert second.words == "Invalid API key: undefined"


#: A key with everything that somebody might escape.
ODD_KEY = "k/ey+with\"q'uotes&<b>\\é%"


@pytest.mark.parametrize(
    "spelt",
    [
        ODD_KEY,
        json.dumps(ODD_KEY)[1:-1],
        json.dumps(ODD_KEY).replace("/", "\\/")[1:-1],
        orjson.dumps(ODD_KEY).decode()[1:-1],
        quote(ODD_KEY),
        quote(ODD_KEY, safe=""),
        quote(ODD_KEY, safe="").lower(),
        html.escape(ODD_KEY),
        repr(ODD_KEY)[1:-1],
    ],
)
def test_the_key_is_found_however_it_is_escaped(spelt: str) -> None:
    """A page of a proxy quotes in its own way."""
    assert redact(f"no such key: {spelt}.", ODD_KEY) == "no such key: [key]."
    reply = read_reply(401, {}, f"<p>no such key: {spelt}.</p>".encode(), secret=ODD_KEY, now_s=NOW_S)
    assert reply.words == "<p>no such key: [key].</p>"


@pytest.mark.parametrize("before", ["", "x" * (MAX_WORDS - 10), " " * 4 * MAX_WORDS, " " * (4 * MAX_WORDS - 10)])
def test_no_part_of_the_key_is_left_where_words_are_cut(before: str) -> None:
    """The cut comes last."""
    for body in (before.encode() + KEY.encode(), orjson.dumps({"message": before + KEY}), orjson.dumps([before + KEY])):
        assert KEY[:6] not in read(401, body).words


def test_the_key_is_taken_out_of_what_is_said_about_an_object() -> None:
    """The same words, in another place."""
    error = {"type": f"not for {KEY}", "input_array": "events", "index": 0}
    for status in (201, 400):
        reply = read(status, {"message": "success", "errors": [error]})
        assert isinstance(reply, Accepted | AllRefused)
        assert reply.refused[0].words == "not for [key]"


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("sam@example.com is not valid", "[e-mail] is not valid"),
        ("'Sam.O+x@mail.example.co.uk', and <a@b>", "'[e-mail]', and <[e-mail]>"),
        ("?email=sam%40example.com&x=1", "?email=[e-mail]&x=1"),
        ("phone +61412345678", "phone [number]"),
        ("phone:+61 412 345-678.", "phone:[number]."),
        ("(02) 9999 1234 and 02/99991234", "[number] and [number]"),
        ("06.12.34.56.78 or tel-0412345678", "[number] or tel-[number]"),
        ("no profile 12345678", "no profile [number]"),
    ],
)
def test_people_are_taken_out_of_braze_s_words(said: str, kept: str) -> None:
    """They are kept with every submission of the request, and so with those of other people."""
    assert redact(said, "") == kept
    assert read_reply(400, {}, orjson.dumps({"message": said}), secret="", now_s=0).words == kept


@pytest.mark.parametrize(
    "said",
    [
        "object 12 of 75, limit 100000",
        "user 543df196-94a7-4eac-8d9c-000000000012",
        "request 5c693eeb7914378810300000 and a1234567890 and user_12345678",
        "address 203.0.113.10 is not on the list",
        "since 2026-11-20T12:00:00.000Z",
        "1, 2, 3, 4, 5, 6, 7 and 8",
        "error 429: try after 60 s",
        "follow @braze",
    ],
)
def test_numbers_and_ids_that_are_nobody_s_stay(said: str) -> None:
    """They are what a mistake is found by."""
    assert redact(said, "") == said


@pytest.mark.parametrize("piece", ["1", "a", "1 ", "a.", "a@", "1-", "(", "+1", "1.", "%40", "_", "9" * 50 + "x"])
def test_long_answers_are_read_in_time(piece: str) -> None:
    """An answer is Braze's, or whoever stands in between."""
    began = time.process_time()

    redact(piece * (50_000 // len(piece)), "")

    assert time.process_time() - began < 1


def test_without_a_key_nothing_is_taken_out() -> None:
    """An empty text is found between any two letters."""
    assert redact("as it is", "") == "as it is"


@pytest.mark.parametrize(
    ("headers", "reset_s"),
    [
        ({"X-RateLimit-Reset": "1795518063"}, 60),
        ({"x-ratelimit-reset": "1795518063"}, 60),
        ({"X-RATELIMIT-RESET": "60"}, 60),
        ({"X-RateLimit-Reset": "0"}, 0),
        ({"X-RateLimit-Reset": " 1.5 "}, 1.5),
        ({"X-Ratelimit-Retry-After": "2"}, 2),
        ({"Retry-After": "3"}, 3),
        ({"Retry-After": format_datetime(datetime.fromtimestamp(NOW_S + 90, UTC), usegmt=True)}, 90),
        ({"X-Ratelimit-Retry-After": "2", "Retry-After": "3", "X-RateLimit-Reset": "4"}, 2),
        ({"Retry-After": "3", "X-RateLimit-Reset": "4"}, 3),
        ({"X-Ratelimit-Retry-After": "soon", "X-RateLimit-Reset": "4"}, 4),
        ({"X-Ratelimit-Retry-After": "99999", "X-RateLimit-Reset": "4"}, 4),
        ({"X-RateLimit-Reset": str(LONGEST_WAIT_S)}, LONGEST_WAIT_S),
        ({"X-RateLimit-Reset": str(LONGEST_WAIT_S + 1)}, None),
        ({"X-RateLimit-Reset": "1795517000"}, None),
        ({"X-RateLimit-Reset": "1795618063"}, None),
        ({"X-RateLimit-Reset": "1795518063000"}, None),
        ({"Retry-After": "Fri, 31 Dec 1999 23:59:59 GMT"}, None),
        ({"Retry-After": "Fri, 99 Dec 1999 23:59:59 GMT"}, None),
        *(({"X-RateLimit-Reset": text}, None) for text in ("", "-1", "nan", "inf", "-inf", "1e400", "2,2", "é")),
        ({}, None),
    ],
)  # fmt: skip
def test_the_wait_is_read_in_every_published_form(headers: dict[str, str], reset_s: float | None) -> None:
    """Both readings of the reset are documented; what can't be believed is left to our own backoff."""
    reply = read_reply(429, headers, b"", secret=KEY, now_s=NOW_S)
    assert reply.reset_s == (None if reset_s is None else pytest.approx(reset_s))


def test_every_set_of_headers_on_a_429_is_understood() -> None:
    """Epoch, seconds left, seconds to wait, nothing."""
    assert [reply.reset_s for reply in sample("error-429")] == [60, 1260, 2, None]


@pytest.mark.parametrize(
    ("text", "number"),
    [("3000", 3000), ("2991.0", 2991), ("0", 0), ("-1", None), ("nan", None), ("many", None), ("", None)],
)
def test_the_rate_is_read_where_it_is_a_number(text: str, number: int | None) -> None:
    """Nonsense in a header must not become a limit."""
    reply = read(201, SUCCESS, X_RateLimit_Limit=text, x_ratelimit_remaining=text)
    assert (reply.limit, reply.remaining) == (number, number)


MEMBERS = st.sampled_from(["message", "errors", "type", "index", "input_array", "x"])
HEADERS = st.sampled_from(["Retry-After", "X-RateLimit-Reset", "X-RateLimit-Limit"])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(MEMBERS, inner, max_size=4),
    max_leaves=12,
)


@given(
    status=st.integers(100, 999),
    headers=st.dictionaries(HEADERS, st.text(max_size=12)),
    body=st.binary(max_size=40) | JSON.map(lambda value: json.dumps(value).encode()),
)
def test_nothing_that_answers_can_break_the_reader(status: int, headers: dict[str, str], body: bytes) -> None:
    """An exception here would leave the batch in flight, and the next drain would meet it again."""
    reply = read_reply(status, headers, body, secret=KEY, now_s=NOW_S)
    assert isinstance(reply, Answer)
    assert reply.status == status
    assert reply.reset_s is None or 0 <= reply.reset_s <= LONGEST_WAIT_S


@pytest.mark.parametrize("levels", [300, 1000])
@pytest.mark.parametrize("status", [201, 400])
def test_a_depth_that_can_be_read_but_not_written_breaks_nothing(levels: int, status: int) -> None:
    """A reader that fails leaves the batch without an outcome, and the next worker would fail at it too."""
    deep = b"[" * levels + b"]" * levels
    errors = b'{"message":"success","errors":[{"input_array":"events","index":1,"type":' + deep + b"}]}"

    assert read_reply(status, {}, errors, secret="k", now_s=0).words == "success"
    assert read_reply(status, {}, b'{"message":' + deep + b"}", secret="k", now_s=0).words == ""


def test_nobody_is_left_in_words_that_are_cut_in_the_middle_of_an_address() -> None:
    """Half an address is no address any more, and could not be told."""
    said = "7" * (MOST_READ - 20) + " mira.of.the.harbour@example.com"

    assert "mira" not in read_reply(400, {}, said.encode(), secret="", now_s=0).words


@pytest.mark.parametrize("piece", ["a", "1", "a.b", "%40", "0a-"])
def test_a_megabyte_of_words_is_read_in_time(piece: str) -> None:
    """It is looked through while a batch waits for its outcome."""
    started = time.process_time()

    read_reply(400, {}, orjson.dumps({"message": piece * (900_000 // len(piece))}), secret="k" * 20, now_s=0)

    assert time.process_time() - started < 0.5
