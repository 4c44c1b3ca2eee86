"""What a browser may do with an answer: nothing from elsewhere, nothing inline, no frames, nothing kept."""

from flask import Flask, Response, request

from schemas.settings import Settings

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
#: What programs get: should a browser ever show it, it is a text that does nothing.
HEADERS_FOR_PROGRAMS = {
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}
#: A year of https for browsers, wherever PUBLIC_URL says that there is some. Other names of the domain are not ours.
HTTPS_ONLY = {"Strict-Transport-Security": "max-age=31536000"}
#: Seconds for which a browser may keep style sheets and scripts without asking.
ASSETS_S = 600


def protect(app: Flask, settings: Settings) -> None:
    """Put the headers on every answer: pages, assets, errors, and what programs get."""
    app.config["SEND_FILE_MAX_AGE_DEFAULT"] = ASSETS_S
    always = HTTPS_ONLY if is_https(settings) else {}
    for_people, for_programs = HEADERS | always, HEADERS_FOR_PROGRAMS | always

    def put(response: Response) -> Response:
        is_asset = response.status_code < 400 and (request.endpoint or "").endswith("static")
        for name, value in (for_people if is_asset or response.mimetype == "text/html" else for_programs).items():
            response.headers.setdefault(name, value)
        if not is_asset:
            response.headers.setdefault("Cache-Control", "no-store")
        return response

    app.after_request(put)


def is_https(settings: Settings) -> bool:
    """Whether people reach the pages over https."""
    return (settings.public_url or "").startswith("https://")
