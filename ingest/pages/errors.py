"""An error as a page: what happened and what to do, in one sentence each."""

from flask import Response, render_template

from ingest.pages.language import _
from workers.logs import REQUEST_ID


def error_page(status: int, detail: str) -> Response:
    """
    Args:
        detail: What a program would be told; shown where there is nothing better to say.
    """
    title, advice = _words(status)
    return Response(
        render_template(
            "pages/error.html", title=title, advice=advice, detail=detail, status=status, request_id=REQUEST_ID.get()
        ),
        status,
    )


def _words(status: int) -> tuple[str, str]:
    match status:
        case 400:
            return _("This form is too old"), _("Go back, load the page again, and repeat what you did.")
        case 404:
            return _("There is nothing here"), _("It may have been removed, or the address has a mistake in it.")
        case 409 | 412:
            return _("Not now"), _("Load the page again and look at what has changed.")
        case 413:
            return _("Too much at once"), _("Send less.")
        case 503:
            advice = _(
                "Nothing is lost. Try again in a moment; if it stays like this, see whether the store is running."
            )
            return _("The store can't be reached"), advice
    return _("Something went wrong"), _(
        "Nothing is lost. Try again; if it stays like this, the log says what happened."
    )
