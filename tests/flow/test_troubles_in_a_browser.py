"""An operator finds what went wrong and mends it: with a mouse, on a phone in Portuguese, by the keyboard alone."""

import re

from playwright.sync_api import expect

from tests.browser import Demo
from tests.stories import BRAZE_KEY, Hub, Somebody, a_hub, an_entry, profiles

NAME = {"field": "first_name", "attribute": "first_name"}
BIRTHDAY = {"field": "date_of_birth", "attribute": "dob", "type": "date", "format": "YYYY-MM-DD"}
#: A progress bar between where it was and everything.
FURTHER = """was => { const bar = document.querySelector("progress.progress-line");
  return bar && bar.value > was && bar.value < bar.max && bar.max === 1000 ? bar.value : 0; }"""


def test_a_wrong_key_seen_and_replaced(person: Somebody, demo: Demo) -> None:
    """What came meanwhile waits, and goes out as soon as the key is right."""
    page, hub = person.page, a_hub(demo, f"key-{person.manner}", [NAME])
    people = [f"key{number}.{person.manner}@example.com" for number in range(5)]
    person.sign_in()
    person.follow(f"/integrations/{hub.id}")
    person.follow(f"/integrations/{hub.id}/braze")
    person.fill(page.locator("#api_key"), "a-key-of-nobody")
    person.press(page.get_by_test_id("test"))
    expect(page.locator("#connection li.bad")).to_have_count(1)
    person.look("1-test-says-so")
    person.press(page.get_by_test_id("save"))
    expect(page.locator(".alert-success")).to_be_visible()

    hub.post(*(an_entry(email, first_name="Nia") for email in people))
    person.follow("/")
    card = page.locator(f'[data-testid="integration"]:has(h3 a[href="/integrations/{hub.id}"])')
    expect(card.locator(".note.bad q")).to_contain_text("Invalid API key")
    expect(card.locator(".note.bad q")).not_to_contain_text("a-key-of-nobody")
    person.look("2-overview-says-so")
    assert hub.ledger()["delivered"] == 0

    person.press(card.locator(f'.note.bad a[href="/integrations/{hub.id}/braze"]'))
    person.fill(page.locator("#api_key"), BRAZE_KEY)
    person.press(page.get_by_test_id("test"))
    expect(page.locator("#connection li.good").first).to_be_visible()
    expect(page.locator("#connection li.bad")).to_have_count(0)
    person.press(page.get_by_test_id("save"))
    expect(page.locator(".alert-success")).to_be_visible()

    person.sees_all_delivered(hub, len(people))
    assert all(profiles(demo, email)[0]["standard"]["first_name"] == "Nia" for email in people)
    person.follow("/")
    expect(card).to_be_visible()
    expect(card.locator(".note")).to_have_count(0)
    person.look("3-all-is-well")


def test_finding_an_entry_that_did_not_arrive(person: Somebody, demo: Demo) -> None:
    """All that is known is an e-mail address, which must not end in an address bar or a log."""
    page, hub = person.page, a_hub(demo, f"found-{person.manner}", [BIRTHDAY])
    sought = f"yara.{person.manner}@example.com"
    hub.post(*(an_entry(f"find{one}.{person.manner}@example.com", date_of_birth=f"1990-01-0{one}") for one in (1, 2)))
    hub.post(an_entry(sought, date_of_birth="the 17th of August"))
    person.waits_until(lambda: hub.ledger()["dead"] == 1 and hub.ledger()["delivered"] == 2, hub.ledger)
    person.sign_in()
    person.follow("/activity")

    person.fill(page.locator("#who"), f" {sought.upper()} ")
    person.press(page.get_by_test_id("find"))
    expect(page.locator("#found a.go")).to_have_count(1)
    assert "example" not in page.url.lower()
    expect(page.locator("#found")).not_to_contain_text(sought)
    person.look("1-found")

    person.press(page.locator("#found a.go"))
    expect(page.get_by_test_id("state-dead")).to_be_visible()
    expect(page.locator(f'#mend[href*="/integrations/{hub.id}/fields"]')).to_be_visible()
    expect(page.locator(".steps li.wait li")).to_contain_text("dob")
    if person.manner != "phone":
        expect(page.get_by_test_id("why")).to_contain_text("None of its values can be used")
        expect(page.get_by_test_id("why")).to_contain_text("mend the rules under Fields, then replay")
    expect(page.locator("main")).not_to_contain_text(sought)
    expect(page.locator("main")).not_to_contain_text("17th of August")
    expect(page.locator("#raw-body")).to_contain_text('"date_of_birth"')
    person.look("2-why-with-values-hidden")

    person.press(page.locator("#values"))
    expect(page.locator("#raw-body")).to_contain_text(sought)
    expect(page.locator("#raw-body")).to_contain_text("the 17th of August")
    person.look("3-values-shown")


def test_replaying_a_thousand_dead_letters(person: Somebody, demo: Demo) -> None:
    """A wrong choice of identifier is mended, and nobody has to stay and watch."""
    page, many = person.page, re.compile(r"^1[,.\u00a0]000$")
    hub = a_hub(demo, f"replay-{person.manner}", [NAME], identifiers=[{"kind": "external_id", "field": "member_id"}])
    a_thousand_die(person, hub)
    person.sign_in()
    person.press(page.locator(f'a[href="/dead-letters?integration={hub.id}"]'))
    expect(page.locator(".reasons > li")).to_have_count(1)
    expect(page.locator(".reasons .many")).to_have_text(many)
    person.look("1-by-reason")

    mend_how_people_are_found(person, hub)
    person.follow(f"/integrations/{hub.id}")
    person.follow(f"/dead-letters?integration={hub.id}")
    person.press(page.locator('button[value="replay-all"]'))
    expect(page.locator("#outcomes strong").first).to_be_visible()
    expect(page.locator("#requests")).to_be_visible()
    person.look("2-dry-run")
    assert hub.ledger()["dead"] == 1000

    person.fill(page.locator("#rate"), "120")
    person.press(page.locator("#go"))
    page.wait_for_url("**/jobs/*")
    job = page.url.removeprefix(demo.connector)
    first = page.wait_for_function(FURTHER, arg=0).json_value()
    person.look("3-under-way")
    person.follow("/")
    person.follow("/dead-letters")
    person.follow(job)
    page.wait_for_function(FURTHER, arg=first)
    person.look("4-come-back")

    expect(page.locator("#stop")).to_have_count(0)
    expect(page.locator(".tag.good")).to_be_visible()
    assert page.locator("progress").evaluate("bar => [bar.value, bar.max]") == [1000, 1000]
    person.look("5-done")
    person.sees_all_delivered(hub, 1000)
    assert len(profiles(demo, f"many999.{person.manner}@example.com")) == 1


def a_thousand_die(person: Somebody, hub: Hub) -> None:
    entries = [
        an_entry(f"many{number}.{person.manner}@example.com", member_id="N/A", first_name="Ada")
        for number in range(1000)
    ]
    hub.post(*entries[:500])
    hub.post(*entries[500:])
    person.waits_until(lambda: hub.ledger()["dead"] == 1000, hub.ledger)


def mend_how_people_are_found(person: Somebody, hub: Hub) -> None:
    page = person.page
    person.follow(f"/integrations/{hub.id}/people")
    person.choose(page.locator("#rules-0-kind"), "user_alias")
    person.fill(page.locator("#rules-0-field"), "email")
    person.fill(page.locator("#rules-0-label"), "email")
    person.press(page.get_by_test_id("save"))
    expect(page.locator(".alert-success")).to_be_visible()
    expect(page.locator("#rules .tag.good")).to_be_visible()
