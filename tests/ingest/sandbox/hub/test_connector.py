import io
from collections.abc import Iterator

import pytest
import requests
from requests.adapters import BaseAdapter

from ingest.sandbox.hub.connector import MAX_ANSWER_BYTES, Connector, Delivery, read_answer

ACCEPTED = b'{"submissions": [{"id": "sub-1", "duplicate": false}]}'


class Script(BaseAdapter):
    """Answers from a list: a status with a body, or an error that is raised."""

    def __init__(self, *answers: tuple[int, bytes] | Exception) -> None:
        super().__init__()
        self._answers: Iterator[tuple[int, bytes] | Exception] = iter(answers)
        self.requests: list[requests.PreparedRequest] = []

    def send(self, request: requests.PreparedRequest, *args: object, **kwargs: object) -> requests.Response:
        self.requests.append(request)
        answer = next(self._answers)
        if isinstance(answer, Exception):
            raise answer
        response = requests.Response()
        response.status_code, response.raw, response.request = answer[0], io.BytesIO(answer[1]), request
        return response

    def close(self) -> None:
        pass

    def session(self) -> requests.Session:
        session = requests.Session()
        session.mount("http://", self)
        return session


def connector(script: Script) -> Connector:
    return Connector("http://connector.test/webhooks/komo/demo", "whsec_abc", open_session=script.session)


def test_one_event_travels_in_one_request_with_the_secret() -> None:
    """All of Komo's examples are single objects."""
    script = Script((202, ACCEPTED), (202, ACCEPTED))
    deliveries = [Delivery({"event": "SiteViewed"}), Delivery({"trigger": "Gameplay.Ended"})]

    connector(script).deliver(deliveries)

    assert [request.body for request in script.requests] == [b'{"event":"SiteViewed"}', b'{"trigger":"Gameplay.Ended"}']
    assert {request.headers["Authorization"] for request in script.requests} == {"Bearer whsec_abc"}
    assert all(one.accepted and one.answer and one.answer.submission_id == "sub-1" for one in deliveries)


@pytest.mark.parametrize(
    ("error", "words"),
    [(requests.ConnectionError("refused"), "does not answer"), (requests.ReadTimeout("slow"), "too long")],
)
def test_nothing_more_is_sent_after_nobody_answered(error: Exception, words: str) -> None:
    """A player should not wait for one timeout after the other."""
    script = Script((202, ACCEPTED), error)
    first, second, third = deliveries = [Delivery({"event": str(n)}) for n in range(3)]

    connector(script).deliver(deliveries)

    assert first.accepted
    assert second.answer is not None
    assert words in second.answer.said
    assert (third.answer, third.attempts) == (None, 0)


def test_a_refused_event_does_not_hold_up_the_next() -> None:
    """A refusal is an answer, and the next event may be fine."""
    first, second = deliveries = [Delivery({"event": "a"}), Delivery({"event": "b"})]

    connector(Script((422, b'{"title": "no"}'), (202, ACCEPTED))).deliver(deliveries)

    assert (first.accepted, second.accepted) == (False, True)


def test_only_the_beginning_of_a_long_answer_is_read() -> None:
    """Whatever answers at that address, the hub's memory stays its own."""
    delivery = Delivery({"event": "a"})

    connector(Script((200, b"x" * 10 * MAX_ANSWER_BYTES))).deliver([delivery])

    assert delivery.answer is not None
    assert len(delivery.answer.text) == MAX_ANSWER_BYTES


def test_a_duplicate_is_told_from_a_first_delivery() -> None:
    """So that a newcomer sees what sending twice does: nothing."""
    answer = read_answer(202, b'{"submissions": [{"id": "sub-1", "duplicate": true}]}')

    assert answer.duplicate
    assert "nothing is done twice" in answer.said


@pytest.mark.parametrize("content", [b"", b"<html>", b"[]", b'{"submissions": [7]}', b'{"submissions": {}}', b"\xff"])
def test_an_answer_of_any_form_can_be_shown(content: bytes) -> None:
    """The address may be anything's."""
    answer = read_answer(404, content)

    assert (answer.submission_id, answer.said) == ("", "The connector knows no such integration.")
