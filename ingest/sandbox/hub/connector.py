"""Posting one body to the connector's webhook, and saying in plain words what became of it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
import requests

from .bodies import Body

#: Seconds to connect, and seconds between two pieces of the answer.
TIMEOUT_S = (3, 10)
#: More of an answer than this is not read.
MAX_ANSWER_BYTES = 64 * 1024

_PLAIN_WORDS = {
    401: "The connector did not accept the webhook secret.",
    404: "The connector knows no such integration.",
    413: "The connector found the submission too big.",
    422: "The connector could not use the submission.",
    429: "The connector has too much waiting and asks us to come back later.",
    503: "The connector cannot reach its store just now.",
}


@dataclass(frozen=True)
class Answer:
    """What the connector said. `status` is None if it said nothing; `text` is the answer, indented if it is JSON."""

    said: str
    status: int | None = None
    submission_id: str = ""
    duplicate: bool = False
    text: str = ""

    @property
    def accepted(self) -> bool:
        return self.status is not None and 200 <= self.status < 300


@dataclass
class Delivery:
    """One body on its way; `answer` is None as long as it was not posted."""

    body: Body
    answer: Answer | None = None
    attempts: int = 0

    @property
    def accepted(self) -> bool:
        return self.answer is not None and self.answer.accepted

    @property
    def event(self) -> str:
        """The event's own name, which each shape keeps somewhere else."""
        return next((str(self.body[key]) for key in ("event", "trigger", "eventName") if key in self.body), "event")

    @property
    def shape(self) -> str:
        if "event" in self.body:
            return "legacy webhook"
        return "workflow step" if "trigger" in self.body else "interaction event"

    @property
    def pretty(self) -> str:
        return orjson.dumps(self.body, option=orjson.OPT_INDENT_2).decode()


def _new_session() -> requests.Session:
    session = requests.Session()
    session.trust_env = False  # a proxy of the machine's has no business between two local processes
    return session


class Connector:
    """The connector, as Komo sees it: one address and one secret."""

    def __init__(
        self, url: str, secret: str = "", *, open_session: Callable[[], requests.Session] = _new_session
    ) -> None:
        self._url = url
        self._headers = {"Content-Type": "application/json", "User-Agent": "sandbox-komo-hub"}
        if secret:
            self._headers["Authorization"] = f"Bearer {secret}"
        self._open_session = open_session

    def deliver(self, deliveries: Sequence[Delivery]) -> None:
        """Post one body after the other. After the first that nobody answers the rest stays as it is."""
        with self._open_session() as session:
            for delivery in deliveries:
                delivery.attempts += 1
                delivery.answer = self._post(session, delivery.body)
                if delivery.answer.status is None:
                    return

    def _post(self, session: requests.Session, body: Body) -> Answer:
        try:
            with session.post(
                self._url,
                data=orjson.dumps(body),
                headers=self._headers,
                timeout=TIMEOUT_S,
                allow_redirects=False,
                stream=True,
            ) as response:
                return read_answer(response.status_code, _first_bytes(response))
        except requests.Timeout:
            return Answer("The connector took too long to answer.")
        except requests.RequestException:
            return Answer("The connector does not answer. Is it running?")


def read_answer(status: int, content: bytes) -> Answer:
    """Read the connector's answer, whatever it is."""
    try:
        document = orjson.loads(content)
    except orjson.JSONDecodeError:
        return Answer(_in_words(status), status, text=content.decode(errors="replace"))
    first = _first_submission(document)
    duplicate = first.get("duplicate") is True
    return Answer(
        said=_in_words(status, duplicate=duplicate),
        status=status,
        submission_id=str(first.get("id", "")),
        duplicate=duplicate,
        text=orjson.dumps(document, option=orjson.OPT_INDENT_2).decode(),
    )


def _in_words(status: int, *, duplicate: bool = False) -> str:
    if duplicate:
        return "Accepted. The connector had it already, so nothing is done twice."
    if 200 <= status < 300:
        return "Accepted, and safe with the connector."
    return _PLAIN_WORDS.get(status, f"The connector refused it with status {status}.")


def _first_submission(document: Any) -> dict[str, Any]:
    submissions = document.get("submissions") if isinstance(document, dict) else None
    first = submissions[0] if isinstance(submissions, list) and submissions else None
    return first if isinstance(first, dict) else {}


def _first_bytes(response: requests.Response) -> bytes:
    content = b""
    for piece in response.iter_content(8192):
        content += piece
        if len(content) >= MAX_ANSWER_BYTES:
            break
    return content[:MAX_ANSWER_BYTES]
