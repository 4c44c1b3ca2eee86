"""A newcomer's first five minutes, as a person would spend them."""

import time

from playwright.sync_api import Page, expect

from tests.browser import PICTURES, Demo


def fill_in(page: Page, email: str) -> None:
    form = page.get_by_test_id("entry-form")
    for field, value in (("first_name", "Mira"), ("last_name", "Kestrel"), ("email", email)):
        form.locator(f"#{field}").fill(value)
    form.locator("#mobile").fill("+61412345678")
    form.locator("#date_of_birth").fill("1991-08-17")
    form.locator("#optin").check()
    page.get_by_test_id("submit-entry").click()
    expect(page.get_by_test_id("thanks")).to_be_visible()


def test_a_card_that_was_played_arrives_as_a_profile_with_its_event(demo: Demo, page: Page) -> None:
    """From the hub's wheel to the profile in Braze's place, without reading a manual."""
    page.goto(demo.hub)
    page.get_by_test_id("card-wheel").click()
    page.get_by_test_id("start").click()
    page.get_by_test_id("spin").click()
    expect(page.get_by_test_id("prize")).to_be_visible()
    fill_in(page, "mira.kestrel@example.com")
    expect(page.locator('[data-testid="delivery"][data-accepted="false"]')).to_have_count(0)
    page.screenshot(path=PICTURES / "what_the_hub_says_was_sent.png", full_page=True)

    page.get_by_test_id("braze-link").click()
    expect(page.get_by_text("mira.kestrel@example.com").first).to_be_visible()
    page.goto(demo.braze)
    page.get_by_text("mira.kestrel@example.com").first.click()
    expect(page.get_by_text("komo_entry").first).to_be_visible()
    expect(page.get_by_text("Mira").first).to_be_visible()


def test_the_quiz_arrives_with_its_score_and_its_answers(demo: Demo, page: Page) -> None:
    """Market research: what people answered is on the profile, typed."""
    page.goto(demo.hub)
    page.get_by_test_id("card-quiz").click()
    page.get_by_test_id("start").click()
    while True:
        page.locator('input[type="radio"]:visible').first.check()
        page.get_by_test_id("next").click()
        if page.get_by_test_id("finish").is_visible():
            page.get_by_test_id("finish").click()
            break
        page.get_by_test_id("next").click()
    expect(page.get_by_test_id("score")).to_be_visible()
    fill_in(page, "quiz@example.com")

    page.goto(demo.braze)
    page.get_by_text("quiz@example.com").first.click()
    expect(page.get_by_text("komo_answer").first).to_be_visible()


def test_the_books_add_up_after_the_demo_was_used(demo: Demo) -> None:
    """Every submission is somewhere, and the operator can see where."""
    deadline = time.monotonic() + 20
    told = demo.ledger("demo-hub")
    while told["waiting"] or told["in_flight"]:
        assert time.monotonic() < deadline, told
        time.sleep(0.2)
        told = demo.ledger("demo-hub")

    assert told["received"] == told["delivered"] + told["filtered"] + told["dead"]
    assert told["dead"] == 0
    assert demo.api("/submissions?integration=demo-hub")["items"]


def test_the_page_of_the_api_calls_it_with_a_token_that_was_typed_in(demo: Demo, page: Page) -> None:
    """Documentation that can be tried is read; and the pages' policy blocks nothing that this needs."""
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.goto(f"{demo.connector}/api/docs")
    page.get_by_role("button", name="Authorize", exact=True).click()
    dialog = page.locator(".modal-ux")
    dialog.get_by_role("textbox").fill(demo.token)
    dialog.get_by_role("button", name="Apply credentials").click()
    dialog.get_by_role("button", name="Close").click()

    request = page.locator("#operations-integrations-get_api_v1_integrations")
    request.locator(".opblock-summary-control").click()
    request.get_by_role("button", name="Try it out").click()
    request.get_by_role("button", name="Execute").click()

    expect(request.locator(".live-responses-table").get_by_text("demo-hub").first).to_be_visible()
    assert said == []
