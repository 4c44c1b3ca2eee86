"""What a person sees: one file for each noun, all behind the door, in English and Portuguese."""

from flask import Flask
from flask_bootstrap import Bootstrap5

from ingest.pages import activity, api_docs, connect, dead_letters, door, figures, jobs, overview, people, submissions
from ingest.pages.drawing import teach_templates
from ingest.pages.fields import views as fields
from ingest.pages.language import speak
from ingest.pages.protection import is_https, protect
from schemas.settings import Settings

NOUNS = (
    door.blueprint, overview.blueprint, *connect.NOUNS, fields.blueprint, activity.blueprint, submissions.blueprint,
    dead_letters.blueprint, jobs.blueprint, people.blueprint, figures.blueprint, api_docs.blueprint,
)  # fmt: skip


def register_pages(app: Flask, settings: Settings) -> None:
    """Put the pages, their assets and their protection into the app; `ingest.context.keep` comes first."""
    app.config.update(
        BOOTSTRAP_SERVE_LOCAL=True,
        # The prefix makes browsers refuse a cookie that another name of the domain, or plain http, has planted.
        SESSION_COOKIE_NAME="__Host-komo_braze" if is_https(settings) else "komo_braze",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=is_https(settings),
        WTF_CSRF_TIME_LIMIT=None,  # as long as the session
        WTF_CSRF_CHECK_DEFAULT=False,  # the pages' blueprints check; programs have tokens
        WTF_CSRF_SSL_STRICT=False,  # the addresses of proxies differ; the token is what counts
    )
    Bootstrap5(app)
    door.csrf.init_app(app)
    speak(app)
    teach_templates(app)
    app.add_template_global(door.this_page)
    protect(app, settings)
    for noun in NOUNS:
        app.register_blueprint(noun)
