"""What a browser may do with a page: nothing from elsewhere, nothing inline, no frames, nothing kept."""

from flask import Flask, Response, request

#: Bootstrap's style sheet draws its small pictures from data addresses.
CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "font-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
#: Seconds for which a browser may keep style sheets and scripts without asking.
ASSETS_S = 600


def protect(app: Flask) -> None:
    """Put the headers on every page and asset."""
    app.config["SEND_FILE_MAX_AGE_DEFAULT"] = ASSETS_S
    app.after_request(_protect)


def _protect(response: Response) -> Response:
    is_asset = (request.endpoint or "").endswith("static")
    if response.mimetype == "text/html" or is_asset:
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        if not is_asset:
            response.headers.setdefault("Cache-Control", "no-store")
    return response
