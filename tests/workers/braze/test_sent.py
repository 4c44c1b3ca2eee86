import orjson
import pytest

from workers.braze.reply import BadRequest, NoAnswer, NotAllowed, RateLimited, Reply, Unavailable
from workers.braze.sent import Asked, read_sent

SECRET = "a-key-0000"


def read(status: int, body: object = b"", **headers: str) -> Reply:
    raw = body if isinstance(body, bytes) else orjson.dumps(body)
    return read_sent(
        status, {name.replace("_", "-"): text for name, text in headers.items()}, raw, secret=SECRET, now_s=0
    )


@pytest.mark.parametrize(
    "body",
    [
        {"dispatch_id": "9d8c", "message": "success"},
        {"dispatch_id": "9d8c", "status": "sent", "metadata": {"received_at": "2026-11-20T03:14:16.000+00:00"}},
        {"dispatch_id": "9d8c"},
    ],
)
def test_a_success_has_a_dispatch_id(body: dict[str, object]) -> None:
    """The transactional endpoint has no message."""
    reply = read(201, body)

    assert isinstance(reply, Asked)
    assert (reply.dispatch_id, reply.notice) == ("9d8c", "")


def test_a_notice_says_that_nothing_will_be_sent() -> None:
    """Braze answers 201 all the same."""
    reply = read(201, {"notice": "The Canvas is paused.", "dispatch_id": "9d8c", "message": "success"})

    assert isinstance(reply, Asked)
    assert reply.notice == "The Canvas is paused."


def test_a_key_that_braze_knows_already_is_a_success() -> None:
    """It was asked for before, and is sent once."""
    reply = read(400, {"message": "The external reference has been queued.  Please retry to obtain send_id."})

    assert isinstance(reply, Asked)
    assert (reply.status, reply.notice) == (400, "")


@pytest.mark.parametrize("body", [b"<html>created</html>", b"", b"[]", {"message": "odd"}, {"dispatch_id": None}])
def test_a_success_that_can_t_be_read_may_have_been_applied(body: object) -> None:
    """Nobody knows, so nobody should guess."""
    reply = read(201, body)

    assert isinstance(reply, NoAnswer)
    assert reply.applied == "unknown"


@pytest.mark.parametrize(
    ("status", "kind"),
    [(400, BadRequest), (413, BadRequest), (401, NotAllowed), (403, NotAllowed), (404, NotAllowed), (429, RateLimited),
     (500, Unavailable), (502, Unavailable)],
)  # fmt: skip
def test_everything_else_means_what_it_means_elsewhere(status: int, kind: type) -> None:
    """One table of errors for all endpoints."""
    reply = read(status, {"message": "Invalid Campaign ID a-key-0000"}, x_ratelimit_reset="7")

    assert isinstance(reply, kind)
    assert (reply.words, reply.reset_s) == ("Invalid Campaign ID [key]", 7)


def test_named_objects_are_no_business_of_these_endpoints() -> None:
    """A call is refused as a whole."""
    errors = [{"type": "odd", "input_array": "events", "index": 0}]

    assert isinstance(read(400, {"message": "no", "errors": errors}), BadRequest)
    assert isinstance(read(201, {"dispatch_id": "9d8c", "message": "success", "errors": errors}), Asked)
