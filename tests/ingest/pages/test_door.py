"""Signing in and out."""

import logging

import pytest
import redis
from flask import Flask

from tests.visitor import PASSWORD, Visitor, fields, words
from workers.store import Stores


def test_who_is_not_signed_in_goes_to_the_door_and_then_where_they_wanted(stranger: Visitor) -> None:
    """A link in an alert must still work after the password."""
    asked = stranger.client.get("/?page=2", headers={"Accept": "text/html"})

    assert asked.status_code == 302
    assert asked.location == "/sign-in?next=/?page%3D2"
    assert stranger.send(asked.location, password=PASSWORD, follow=False).location == "/?page=2"


def test_what_only_asks_for_the_head_is_answered_as_a_page_is(stranger: Visitor) -> None:
    """Monitors ask so whether the pages are there, and 401 would be a failure."""
    asked = stranger.client.head("/activity")

    assert (asked.status_code, asked.location) == (302, "/sign-in?next=/activity")


def test_a_wrong_password_lets_nobody_in(stranger: Visitor) -> None:
    """And says so, at the field."""
    answer = stranger.sign_in("wrong")

    assert answer.status_code == 422
    assert "This is not the password." in words(answer)
    assert stranger.client.get("/").status_code == 302


def test_whoever_guesses_has_to_wait(stranger: Visitor) -> None:
    """Also with the right password then: otherwise each answer would still tell."""
    for _ in range(5):
        stranger.sign_in("wrong")

    refused = stranger.sign_in(PASSWORD)

    assert refused.status_code == 429
    assert 0 < int(refused.headers["Retry-After"]) <= 60
    assert "Too many wrong passwords from here" in words(refused)


def test_right_passwords_are_not_counted(stranger: Visitor) -> None:
    """A team shares an address; and somebody in it who mistyped theirs is no worse off for the others."""
    for _ in range(4):
        stranger.sign_in("wrong")
    for _ in range(8):
        assert stranger.sign_in().status_code == 200
        stranger.send("/", "/sign-out")


def test_signing_out_ends_the_session_also_for_a_copy_of_the_cookie(app: Flask, visitor: Visitor) -> None:
    """A cookie that somebody has kept is worth nothing then."""
    cookie = visitor.client.get_cookie("komo_braze")
    assert cookie is not None
    copy = Visitor(app.test_client())
    copy.client.set_cookie("komo_braze", cookie.value)
    assert copy.client.get("/").status_code == 200

    answer = visitor.send("/", "/sign-out", follow=False)

    assert answer.headers["Clear-Site-Data"] == '"cache"'
    assert visitor.client.get("/").status_code == 302
    assert copy.client.get("/").status_code == 302


def test_the_session_of_before_is_not_taken_over(stranger: Visitor) -> None:
    """Whoever planted a cookie in somebody's browser must not be signed in with them."""
    stranger.open("/sign-in")
    before = stranger.client.get_cookie("komo_braze")

    stranger.sign_in()

    after = stranger.client.get_cookie("komo_braze")
    assert before
    assert after
    assert before.value != after.value
    with stranger.client.session_transaction() as session:
        assert set(session) <= {"token", "csrf_token"}


def test_signing_in_again_ends_the_session_of_before(app: Flask, visitor: Visitor) -> None:
    """A session that its owner has left behind would stay open for whoever has a copy of its cookie."""
    cookie = visitor.client.get_cookie("komo_braze")
    assert cookie is not None
    copy = Visitor(app.test_client())
    copy.client.set_cookie("komo_braze", cookie.value)
    form = fields(visitor.open("/"))
    assert copy.client.get("/").status_code == 200

    again = {"password": PASSWORD, "csrf_token": form["csrf_token"]}
    assert visitor.client.post("/sign-in", data=again).status_code == 302

    assert visitor.client.get("/").status_code == 200
    assert copy.client.get("/").status_code == 302


def test_who_comes_and_goes_is_logged(stranger: Visitor, caplog: pytest.LogCaptureFixture) -> None:
    """After a break-in somebody asks since when; what was typed is not in it."""
    caplog.set_level(logging.INFO, "komo_braze")

    stranger.sign_in("wrong")
    stranger.sign_in()
    stranger.send("/", "/sign-out")

    told = [one for one in caplog.records if one.getMessage().startswith("session.")]
    assert [one.getMessage() for one in told] == ["session.refused", "session.opened", "session.closed"]
    assert {vars(one)["address"] for one in told} == {"127.0.0.1"}
    assert not [one for one in caplog.records if PASSWORD in str(vars(one))]


def test_a_cookie_is_signed_with_sha_256(visitor: Visitor) -> None:
    """SHA-1 is on its way out, and what reviewers look for first."""
    cookie = visitor.client.get_cookie("komo_braze")
    assert cookie is not None

    assert len(cookie.value.rpartition(".")[2]) == 43  # 32 bytes in base64


@pytest.mark.parametrize(
    "next_", ["//evil.example/", "https://evil.example/", "/\\evil.example", "javascript:alert(1)", "/\nevil", ""]
)
def test_nobody_is_led_to_another_site(next_: str, stranger: Visitor) -> None:
    """A link to our door is trusted because it is ours."""
    answer = stranger.client.get("/sign-in", query_string={"next": next_})
    assert answer.status_code == 200

    sent = stranger.send("/sign-in", password=PASSWORD, follow=False)
    assert sent.location == "/"


def test_a_form_without_its_token_is_refused(visitor: Visitor) -> None:
    """It may come from another site, in the name of who is signed in."""
    answer = visitor.client.post("/sign-out", headers={"Accept": "text/html"})

    assert answer.status_code == 400
    assert visitor.client.get("/").status_code == 200


def test_pages_come_with_their_protection(visitor: Visitor) -> None:
    """Nothing inline, nothing from elsewhere, nothing in a frame, nothing kept."""
    page = visitor.open("/")

    policy = page.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert page.headers["X-Content-Type-Options"] == "nosniff"
    assert page.headers["Cache-Control"] == "no-store"
    assert not [inline for inline in ("<script>", " style=", " onclick=") if inline in page.text]


def test_somebody_reads_in_the_language_they_chose(visitor: Visitor) -> None:
    """Whatever their browser asks for."""
    assert 'lang="en"' in visitor.open("/").text

    chosen = visitor.send("/", "/language", language="pt")

    assert '<html lang="pt-BR"' in chosen.text


def test_a_page_that_is_not_there_is_a_page(visitor: Visitor) -> None:
    """With a way back, and in words."""
    answer = visitor.open("/nowhere")

    assert answer.status_code == 404
    assert "There is nothing here" in words(answer)


def test_passwords_and_tokens_are_not_kept(visitor: Visitor, stores: Stores) -> None:
    """What is in the store may be copied; it must open no door."""
    with visitor.client.session_transaction() as session:
        token = session["token"]
    kept = b" ".join(
        key + b" " + (stores.connection.get(key) or b"") for key in stores.connection.scan_iter("komo:session:*")
    )

    assert kept
    assert token.encode() not in kept
    assert PASSWORD.encode() not in kept


def test_a_store_that_takes_no_writes_can_still_be_looked_at(
    visitor: Visitor, stores: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its disk is full, say: the overview is where that is told, and a session that can't be renewed is still open."""

    def refuse(*_asked: object, **_more: object) -> None:
        raise redis.ResponseError("MISCONF Errors writing to the AOF file: No space left on device")

    monkeypatch.setattr(stores.connection, "expire", refuse)

    assert visitor.open("/").status_code == 200
