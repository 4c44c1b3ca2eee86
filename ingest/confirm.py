"""Nobody is told that something was changed before enough replicas of the store have it: see STORE_REPLICAS."""

from flask import Flask, Response, current_app, request

from ingest.receive import WEBHOOK
from workers.errors import StoreUnavailable
from workers.store import Stores

READING = frozenset({"GET", "HEAD", "OPTIONS"})


def confirm_writes(app: Flask, stores: Stores) -> None:
    """
    Let every answer to a change wait for the replicas; a 503 where too few have it.

    The change may be kept all the same, as with any 503. The webhook waits by itself, in the same breath as it saves.
    """

    @app.after_request
    def confirm(answer: Response) -> Response:
        if request.method in READING or answer.status_code >= 400 or request.blueprint == WEBHOOK:
            return answer
        try:
            stores.confirm()
        except StoreUnavailable as error:
            return current_app.make_response(current_app.handle_user_exception(error))
        return answer
