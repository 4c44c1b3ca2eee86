"""The limits of a webhook body."""

import json
import tracemalloc
from contextlib import suppress
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.body import UnreadableBody, read_body


def problems_of(data: bytes) -> tuple[int, list[tuple[str, str]]]:
    with pytest.raises(UnreadableBody) as caught:
        read_body(data)
    return caught.value.status, [(problem.pointer, problem.detail) for problem in caught.value.problems]


def nested(depth: int) -> str:
    return '{"a":' * depth + "1" + "}" * depth


def test_one_object_is_kept_as_its_own_bytes() -> None:
    """What we store is what was sent, so that a person can be shown it."""
    data = b'{ "email": "mira@example.com", "score": "7" }\n'
    assert read_body(data) == [({"email": "mira@example.com", "score": "7"}, data)]


def test_elements_of_an_array_each_have_bytes_of_their_own() -> None:
    """Each is accepted, found and replayed on its own."""
    assert read_body(b'[ {"a": 1}, {"b": [2]} ]') == [({"a": 1}, b'{"a":1}'), ({"b": [2]}, b'{"b":[2]}')]


def test_a_byte_order_mark_is_dropped() -> None:
    """Windows tools write one, and the worker's parser refuses it."""
    assert read_body(b'\xef\xbb\xbf{"a":1}') == [({"a": 1}, b'{"a":1}')]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b" \n",
        b"\xef\xbb\xbf",
        b"email=mira%40example.com",
        b'{"a": 1,}',
        b'{"a": 1} // a comment',
        b"{'a': 1}",
        b'{"a": NaN}',
        b'{"a": Infinity}',
        b'{"a": -Infinity}',
        b'{"a": "\xff"}',
        b'{"a": "\xed\xa0\x80"}',
        '{"a": 1}'.encode("utf-16"),
        b'{"a": "line\nbreak"}',
        b'{"a": 1}{"b": 2}',
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b"[" * 50_000 + b"}" * 50_000,
    ],
)
def test_what_is_no_json_is_a_400(data: bytes) -> None:
    """The published examples have comments and trailing commas; NaN is JavaScript, not JSON."""
    status, problems = problems_of(data)
    assert status == 400
    assert [place for place, _ in problems] == [""]
    assert problems[0][1].startswith("not JSON: ")


def test_the_reason_names_the_place_but_not_the_content() -> None:
    """It is shown to the sender and may be logged there; the content is personal."""
    _, problems = problems_of(b'{"email": "mira@example.com"\n "x": 1}')
    assert problems == [("", "not JSON: Expecting ',' delimiter in line 2, column 2")]


@pytest.mark.parametrize("data", [b"1", b"null", b'"text"', b"true", b"[]", b"1e400"])
def test_json_that_is_no_object_is_a_422(data: bytes) -> None:
    """There is nothing in it that a mapping could name."""
    status, problems = problems_of(data)
    assert (status, [place for place, _ in problems]) == (422, [""])


def test_five_hundred_objects_are_taken_and_one_more_is_not() -> None:
    """A batch is taken as a whole, so it must be small enough to be kept as a whole."""
    assert len(read_body(orjson.dumps([{"n": n} for n in range(500)]))) == 500
    assert problems_of(orjson.dumps([{}] * 501)) == (422, [("", "must hold 1 to 500 objects, not 501")])


def test_32_levels_are_taken_and_one_more_is_not() -> None:
    """Everything that walks through a body later may trust this."""
    assert len(read_body(nested(32).encode())) == 1
    status, problems = problems_of(nested(33).encode())
    assert (status, problems) == (422, [("/a" * 32, "is more than 32 levels deep in its object")])


def test_an_array_around_the_objects_is_no_level_of_theirs() -> None:
    """The limit is the same for an object that comes alone and for one in company."""
    assert len(read_body(f"[{nested(32)}]".encode())) == 1
    status, problems = problems_of(f"[{{}},{nested(33)}]".encode())
    assert (status, [place for place, _ in problems]) == (422, ["/1" + "/a" * 32])


@pytest.mark.parametrize("depth", [100, 300, 900, 1000, 1100, 5000, 150_000])
def test_no_depth_exhausts_the_stack(depth: int) -> None:
    """A megabyte of brackets must cost the sender a 422 and us nothing."""
    assert problems_of(nested(depth).encode())[0] == 422
    status, problems = problems_of(f'[{{}},{{"[,":1}},{nested(depth)},{{}}]'.encode())
    assert status == 422
    assert all(place.startswith("/2") for place, _ in problems)
    assert problems_of(b'{"a":' + b"[" * depth + b"]" * depth + b"}")[0] == 422


def test_2000_members_are_taken_and_one_more_is_not() -> None:
    """Members count at every level, elements of lists do not."""
    block = {str(n): n for n in range(999)}
    body: dict[str, Any] = {"a": block, "b": [block]}
    assert len(read_body(orjson.dumps(body))) == 1
    assert problems_of(orjson.dumps(body | {"c": 1})) == (422, [("", "has 2001 members in all; 2000 are taken")])
    assert len(read_body(orjson.dumps({"a": list(range(5000))}))) == 1


def test_signs_inside_texts_are_no_structure() -> None:
    """A long answer full of brackets and colons is an answer."""
    assert len(read_body(orjson.dumps({"essay": ":" * 5000 + "{[" * 500}))) == 1


def test_every_problem_is_reported_at_once_with_its_place() -> None:
    """Who mends one and is told of the next gives up at the third."""
    many = {f"m{n}": n for n in range(2001)}
    data = orjson.dumps([1, {"ok": 1}, many, orjson.Fragment(nested(40).encode()), None])
    status, problems = problems_of(data)
    assert status == 422
    assert [place for place, _ in problems] == ["/0", "/2", "/3" + "/a" * 32, "/4"]


def test_places_are_json_pointers() -> None:
    """A name may hold the signs that a pointer is made of."""
    deep = json.loads(nested(32))
    _, problems = problems_of(orjson.dumps({"a/b~c": deep}))
    assert problems[0][0] == "/a~1b~0c" + "/a" * 31


def test_of_a_member_that_occurs_twice_the_last_counts() -> None:
    """A form field may have the name of a reserved key; most writers put it later."""
    [(body, raw)] = read_body(b'{"score": "1", "score": "2"}')
    assert body == orjson.loads(raw) == {"score": "2"}


@pytest.mark.parametrize(
    ("data", "body"),
    [
        (b'{"n": 18446744073709551615}', {"n": 2**64 - 1}),
        (b'{"n": -9223372036854775808}', {"n": -(2**63)}),
        (b'{"n": 18446744073709551616}', {"n": "18446744073709551616"}),
        (b'{"n": [123456789012345678901234567890]}', {"n": ["123456789012345678901234567890"]}),
        (b'{"n": -9223372036854775809}', {"n": "-9223372036854775809"}),
        (b'{"n": 1e400}', {"n": "1e400"}),
        (b'{"n": 0.12345678901234567890}', {"n": 0.12345678901234567890}),
        (b'{"n": "123456789012345678901234567890"}', {"n": "123456789012345678901234567890"}),
        (b'{"n": ' + b"9" * 5000 + b"}", {"n": "9" * 5000}),
    ],
)
def test_a_number_beyond_64_bits_becomes_the_text_of_its_digits(data: bytes, body: dict[str, Any]) -> None:
    """It is an id, so a rounded one would be another person's."""
    [one] = read_body(data)
    assert one.body == body
    assert orjson.loads(one.raw) == body


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (rb'{"a": "\ud800"}', "\ufffd"),
        (rb'{"a": "half \ud83d"}', "half \ufffd"),
        (rb'{"a": "\ude00\ud83d"}', "\ufffd\ufffd"),
        (rb'{"a": "\ud83d\ude00 whole, half \ud83d"}', "😀 whole, half \ufffd"),
        (rb'{"a": "\\ud800 \ud800"}', "\\ud800 \ufffd"),
    ],
)
def test_half_a_surrogate_pair_is_replaced(data: bytes, text: str) -> None:
    """An emoji that a length limit cut in two is no reason to lose the rest of the answers."""
    [one] = read_body(data)
    assert one.body == orjson.loads(one.raw) == {"a": text}


def test_half_a_surrogate_pair_in_a_name_is_replaced_too() -> None:
    """Names of form fields are typed by people as well."""
    [one] = read_body(rb'[{"\udfff": 1}]')
    assert one.body == orjson.loads(one.raw) == {"\ufffd": 1}


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=100, deadline=None)
@given(st.dictionaries(st.text(), values, max_size=5))
def test_whatever_is_taken_the_worker_reads_back(body: dict[str, Any]) -> None:
    """Accepting what can't be read later would lose it after the 202."""
    for data in (json.dumps(body).encode(), json.dumps([body]).encode()):
        [one] = read_body(data)
        assert orjson.loads(one.raw) == one.body
        assert one.body.keys() == body.keys()


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=60) | st.text(alphabet='[]{},:"\\u0d8ae1-. ', max_size=40).map(str.encode))
def test_nothing_but_unreadable_body_is_ever_raised(data: bytes) -> None:
    """Anybody who knows the address may send anything."""
    with suppress(UnreadableBody):
        for one in read_body(data):
            assert orjson.loads(one.raw) == one.body


def test_a_long_name_above_a_heap_of_lists_costs_no_more_than_the_body() -> None:
    """With the name in the place of every list, a body of one megabyte would take up a machine's whole memory."""
    many = 100_000
    data = b'{"' + b"k" * 500_000 + b'":[' + b",".join([b"[]"] * many) + b"]}"
    tracemalloc.start()
    try:
        assert len(read_body(data)[0].body["k" * 500_000]) == many
        assert tracemalloc.get_traced_memory()[1] < 100_000_000
    finally:
        tracemalloc.stop()
