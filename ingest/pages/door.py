"""Signing in and out. One password for everybody who may see the pages; wrong ones are limited by address."""

import logging
from hmac import compare_digest
from math import ceil
from urllib.parse import urlencode, urlsplit

from flask import Blueprint, Response, redirect, render_template, request, session, url_for
from flask_wtf import CSRFProtect, FlaskForm
from werkzeug.wrappers import Response as AnyResponse
from wtforms import PasswordField
from wtforms.validators import InputRequired

from ingest.context import context
from ingest.pages.language import LANGUAGES, _, later, many
from workers.store.sessions import Sessions
from workers.store.wrong_passwords import WrongPasswords

log = logging.getLogger("komo_braze")

#: A form of the door holds a password, a token and an address; anybody may send it.
MAX_FORM_BYTES = 65_536
#: What may stand in an address that somebody has made by hand, and must not travel on in others.
PERSONAL = frozenset({"who", "text"})

csrf = CSRFProtect()
blueprint = Blueprint("door", __name__)


@blueprint.before_request
def _take_small_forms() -> None:
    request.max_content_length = request.max_form_memory_size = MAX_FORM_BYTES


blueprint.before_request(csrf.protect)

#: In the session cookie: the token of the session in the store, and the language.
TOKEN, LANGUAGE = "token", "language"


class SignInForm(FlaskForm):
    """The one password."""

    password = PasswordField(later("Password"), validators=[InputRequired(later("Type the password."))])


def guarded(pages: Blueprint) -> Blueprint:
    """Put pages behind the door: only for who is signed in, and no form from another site."""
    pages.before_request(require_sign_in)
    pages.before_request(csrf.protect)
    return pages


def signed_in() -> bool:
    """Whether this request comes from somebody who is. Raises: StoreUnavailable."""
    token = session.get(TOKEN)
    return isinstance(token, str) and _sessions().is_open(token)


def require_sign_in() -> AnyResponse | None:
    """Who is not signed in goes to the door, and comes back to where they wanted to go."""
    if signed_in():
        return None
    session.pop(TOKEN, None)
    if "fragment" in request.args or request.method not in ("GET", "HEAD"):
        return Response(_("You are signed out. Sign in again in another tab, then repeat this."), 401)
    return redirect(url_for("door.sign_in", next=this_page()))


def this_page() -> str:
    """Where somebody is, to come back to: the path, and of its parameters what names nobody."""
    given = [(name, value) for name, value in request.args.items(multi=True) if name not in PERSONAL]
    return f"{request.path}?{urlencode(given)}" if given and request.method == "GET" else request.path


@blueprint.get("/sign-in")
def sign_in() -> AnyResponse:
    """Ask for the password."""
    return redirect(_own_path(request.args.get("next", ""))) if signed_in() else _ask(SignInForm(), 200)


@blueprint.post("/sign-in")
def try_password() -> AnyResponse:
    """Let in who knows it."""
    form, wrong, address = SignInForm(), WrongPasswords(context().stores.connection), request.remote_addr or ""
    if not form.validate():
        return _ask(form, 422)
    if wait_s := ceil(wrong.count(address)):
        log.warning("session.refused", extra={"why": "too many wrong passwords", "address": address})
        sentence = many(
            "Too many wrong passwords from here. Try again in %(num)d second.",
            "Too many wrong passwords from here. Try again in %(num)d seconds.", wait_s,
        )  # fmt: skip
        form.password.errors = [sentence]
        answer = _ask(form, 429)
        answer.headers["Retry-After"] = str(wait_s)
        return answer
    if not _is_right(form.password.data or ""):
        log.warning("session.refused", extra={"why": "wrong password", "address": address})
        form.password.errors = [_("This is not the password.")]
        return _ask(form, 422)
    wrong.take_back(address)
    log.info("session.opened", extra={"address": address})
    return _let_in()


def _let_in() -> AnyResponse:
    language, before = session.get(LANGUAGE), session.get(TOKEN)
    session.clear()  # whatever somebody may have planted before
    sessions = _sessions()
    session[TOKEN] = sessions.open()
    if isinstance(before, str):
        sessions.close(before)  # nobody has it any more, but for who has a copy of the cookie
    if language:
        session[LANGUAGE] = language
    return redirect(_own_path(request.args.get("next", "")))


@blueprint.post("/sign-out")
def sign_out() -> AnyResponse:
    """End the session, here and in the store."""
    if token := session.pop(TOKEN, None):
        _sessions().close(token)
        log.info("session.closed", extra={"address": request.remote_addr or ""})
    answer = redirect(url_for("door.sign_in"))
    answer.headers["Clear-Site-Data"] = '"cache"'  # of the pages; the colours somebody likes may stay
    return answer


@blueprint.post("/language")
def choose_language() -> AnyResponse:
    """Remember in which language somebody reads, and go back to where they were."""
    chosen = request.form.get("language", "")
    if chosen in LANGUAGES:
        session[LANGUAGE] = chosen
    return redirect(_own_path(request.form.get("next", "")))


def _ask(form: SignInForm, status: int) -> AnyResponse:
    return Response(render_template("pages/sign_in.html", form=form), status)


def _sessions() -> Sessions:
    settings = context().settings
    password = settings.admin_password or ""
    return Sessions(context().stores.connection, password=password, secret_keys=settings.secret_key)


def _is_right(given: str) -> bool:
    wanted = context().settings.admin_password
    return bool(wanted) and compare_digest(given.encode(), (wanted or "").encode())


def _own_path(wanted: str) -> str:
    """A path of these pages; whatever might lead elsewhere becomes the overview."""
    try:
        parts = urlsplit(wanted)
    except ValueError:  # half an address of IPv6
        return url_for("overview.show")
    is_ours = wanted.startswith("/") and wanted[1:2] not in ("/", "\\") and not (parts.netloc or parts.scheme)
    return wanted if is_ours and wanted.isprintable() else url_for("overview.show")
