"""The paths of Braze's REST API, brought from Flask to the endpoints and back."""

import time
from collections.abc import Callable

from flask import Blueprint, Request, Response, request

from ingest.sandbox.braze import reading
from ingest.sandbox.braze.door import Answer, Call, faulty, let_in
from ingest.sandbox.braze.sandbox import Sandbox
from ingest.sandbox.braze.sends import answer_transactional, answer_trigger
from ingest.sandbox.braze.track import answer_track
from ingest.sandbox.braze.traffic import SeenRequest

Endpoint = Callable[[Sandbox, Call], Answer]

#: Answers with this marker promise more bytes than they hold, and close: the caller sees a broken connection.
TORN_LENGTH = "1048576"


def api_routes(sandbox: Sandbox) -> Blueprint:
    """What the sandbox answers as Braze."""
    routes = Blueprint("api", __name__)

    @routes.post("/users/track")
    def track() -> Response:
        def answer(call: Call, seen: SeenRequest) -> Answer:
            return answer_track(sandbox, call, seen)

        return send(let_in(sandbox, read_call(request), answer))

    def serve(path: str, method: str, endpoint: Endpoint) -> None:
        def view() -> Response:
            def answer(call: Call, seen: SeenRequest) -> Answer:
                return faulty(sandbox, call, seen, lambda: endpoint(sandbox, call), time.sleep)

            return send(let_in(sandbox, read_call(request), answer))

        routes.add_url_rule(path, endpoint=path.strip("/").replace("/", "_"), view_func=view, methods=[method])

    def serve_send(path: str, name: str, endpoint: Callable[[Call, SeenRequest], Answer]) -> None:
        def view(**_: str) -> Response:
            def answer(call: Call, seen: SeenRequest) -> Answer:
                return faulty(sandbox, call, seen, lambda: endpoint(call, seen), time.sleep)

            return send(let_in(sandbox, read_call(request), answer))

        routes.add_url_rule(path, endpoint=name, view_func=view, methods=["POST"])

    serve_send(
        "/campaigns/trigger/send", "campaign", lambda call, seen: answer_trigger(sandbox, call, seen, "campaign")
    )
    serve_send("/canvas/trigger/send", "canvas", lambda call, seen: answer_trigger(sandbox, call, seen, "canvas"))
    transactional = "/transactional/v1/campaigns/<campaign_id>/send"
    serve_send(transactional, "transactional", lambda call, seen: answer_transactional(sandbox, call, seen))
    serve("/users/export/ids", "POST", reading.answer_export)
    serve("/campaigns/list", "GET", reading.answer_campaigns_list)
    serve("/custom_attributes", "GET", reading.answer_custom_attributes)
    serve("/events/list", "GET", reading.answer_events_list)
    return routes


def read_call(given: Request) -> Call:
    """A Flask request as the endpoints see it."""
    headers = given.headers
    return Call(
        method=given.method,
        path=given.path,
        body=given.get_data(cache=False),
        content_type=headers.get("Content-Type", ""),
        authorization=headers.get("Authorization", ""),
        user_agent=headers.get("User-Agent", ""),
        address=given.remote_addr or "",
        query=given.args.to_dict() if given.query_string else {},
    )


def send(answer: Answer) -> Response:
    """An answer as Flask sends it."""
    if answer.cut:
        return _cut()
    response = Response(answer.body, answer.status, content_type=answer.content_type)
    response.headers.update(answer.headers)
    return response


def _cut() -> Response:
    """
    End the connection: without a byte where the server lends us its socket, else in the middle of an answer.

    The status of a torn answer is 200, which says nothing about the call.
    """
    held = request.environ.get("werkzeug.socket")
    if held is not None:
        held.shutdown(2)
    response = Response(b"{", 200)
    response.headers.update({"Content-Length": TORN_LENGTH, "Connection": "close"})
    return response
