"""A marketer connects a hub and maps its fields: with a mouse, on a phone in Portuguese, by the keyboard alone."""

from playwright.sync_api import Locator, expect

from tests.browser import Demo
from tests.stories import BRAZE_KEY, Hub, Somebody, a_hub, an_entry, profiles

FORM = {"first_name": "Mira", "last_name": "Kestrel", "date_of_birth": "17/08/1991", "optin": "true"}


def test_connecting_a_hub(person: Somebody, demo: Demo) -> None:
    """From nothing to the first profile, without a manual: what came during the setup arrives, too."""
    email = f"mira.{person.manner}@example.com"
    person.sign_in()
    person.look("1-overview")

    hub = name_it(person)
    show_komo(person, hub, email)
    show_braze(person)
    say_who_people_are(person)
    map_everything(person, email)

    see_it_delivered(person, hub)
    (profile,) = profiles(demo, email)
    assert profile["standard"]["first_name"] == "Mira"
    assert profile["standard"]["email"] == email
    assert profile["standard"]["dob"] == "1991-08-17"
    assert profile["standard"]["email_subscribe"] == "opted_in"


def name_it(person: Somebody) -> str:
    page, name = person.page, f"harbour-{person.manner}"
    person.press(page.get_by_test_id("connect").first)
    person.fill(page.locator("#name"), f"Harbour {person.manner}")
    expect(page.locator("#address")).to_have_value(name)
    person.choose(page.locator("#region"), "AU")
    person.look("2-name")
    person.press(page.get_by_test_id("save"))
    return name


def show_komo(person: Somebody, name: str, email: str) -> None:
    page, arrived = person.page, person.page.get_by_test_id("first")
    expect(arrived.locator(".note.wait")).to_be_visible()
    expect(arrived.locator(".note.good")).to_have_count(0)
    person.press(page.locator('[data-reveal="header-value"]'))
    expect(page.locator("#header-value")).to_have_attribute("type", "text")
    person.look("3-komo-waits")

    hub = Hub(person.demo, name, page.locator("#header-value").input_value())
    assert page.locator("#webhook-url").input_value() == f"{person.demo.connector}/webhooks/komo/{name}"
    hub.post(an_entry(email, 1, **FORM))
    expect(arrived.locator(".note.good")).to_be_visible()
    person.look("4-komo-arrived")
    person.press(page.get_by_test_id("save"))


def show_braze(person: Somebody) -> None:
    """With the address as it stands in the browser, which is not the one that takes data."""
    page = person.page
    person.fill(page.locator("#address"), f"{person.demo.braze}/segments?attribute=email")
    person.fill(page.locator("#api_key"), BRAZE_KEY)
    person.press(page.get_by_test_id("test"))
    expect(page.locator("#connection li.good").first).to_be_visible()
    expect(page.locator("#connection li.bad")).to_have_count(0)
    person.look("5-braze")
    person.press(page.get_by_test_id("save"))


def say_who_people_are(person: Somebody) -> None:
    page = person.page
    person.choose(page.locator("#rules-0-kind"), "user_alias")
    person.fill(page.locator("#rules-0-field"), "email")
    person.fill(page.locator("#rules-0-label"), "email")
    expect(page.locator("#rules .tag.good")).to_be_visible()
    person.look("6-people")
    person.press(page.get_by_test_id("save"))


def map_everything(person: Somebody, email: str) -> None:
    page = person.page
    person.press(page.get_by_test_id("map-all"))
    expect(page.locator('#attributes input[name$=".attribute"]')).to_have_count(4)
    expect(page.locator("#subscriptions [data-row]")).to_have_count(1)
    expect(page.locator("#trial pre")).to_contain_text('"dob": "1991-08-17"')
    expect(page.locator("#trial pre")).to_contain_text(email)
    person.look("7-fields")
    person.press(page.get_by_test_id("save"))
    expect(page.locator(".alert-success")).to_be_visible()
    expect(page.get_by_test_id("later")).to_have_count(0)


def see_it_delivered(person: Somebody, name: str) -> None:
    page = person.page
    person.follow(f"/integrations/{name}")
    expect(page.locator(".note.wait")).to_have_count(0)
    person.look("8-how-it-is-doing")
    person.follow(f"/activity?integration={name}")
    person.press(page.locator("#found a.go"))
    expect(page.get_by_test_id("state-delivered")).to_be_visible()
    expect(page.locator(".steps > li.good").last).to_be_visible()
    person.look("9-delivered")


def test_a_mapping_mistake_and_its_mending(person: Somebody, demo: Demo) -> None:
    """Both kinds: one that can't be saved, and one that only a look at real answers shows."""
    email, page = f"rosa.{person.manner}@example.com", person.page
    hub = a_hub(demo, f"mapped-{person.manner}", [{"field": "first_name", "attribute": "first_name"}])
    hub.post(an_entry(email, 1, **FORM, member_no="M-1"))
    person.sign_in()
    person.follow(f"/integrations/{hub.id}")
    person.follow(f"/integrations/{hub.id}/fields")

    add_attribute(person, "member_no", "external_id")
    person.press(page.get_by_test_id("save"))
    person.press(page.locator("#problems a"))
    wrong = page.locator('#attributes input[name$=".attribute"][aria-invalid="true"]')
    expect(wrong).to_be_focused()
    person.look("1-refused")
    assert len(demo.api(f"/integrations/{hub.id}")["attributes"]) == 1
    person.fill(wrong, "member_number")
    expect(page.locator("#problems, #attributes .invalid-feedback")).to_have_count(0)

    add_attribute(person, "date_of_birth", "dob")
    row = page.locator("#attributes [data-row]").last
    person.fill(row.locator('input[name$=".format"]'), "YYYY-MM-DD")
    expect(row.locator("[data-notes] p")).to_be_visible()
    expect(page.locator("#trial li[data-row]")).to_have_count(1)
    expect(page.locator("#trial pre")).not_to_contain_text('"dob"')
    person.look("2-warned")

    person.fill(row.locator('input[name$=".format"]'), "DD/MM/YYYY")
    expect(page.locator("#trial pre")).to_contain_text('"dob": "1991-08-17"')
    expect(row.locator("[data-notes] p")).to_have_count(0)
    person.look("3-mended")
    person.press(page.get_by_test_id("save"))
    expect(page.locator(".alert-success")).to_be_visible()

    hub.post(an_entry(email, 2, **FORM, member_no="M-1"))
    person.sees_all_delivered(hub, 2)
    (profile,) = profiles(demo, email)
    assert profile["standard"]["dob"] == "1991-08-17"
    assert profile["custom_attributes"]["member_number"] == "M-1"


def add_attribute(person: Somebody, field: str, attribute: str) -> None:
    rows: Locator = person.page.locator("#attributes [data-row]")
    many = rows.count()
    person.press(person.page.locator('button[data-add="attributes"]'))
    expect(rows).to_have_count(many + 1)
    person.fill(rows.last.locator('input[name$=".what"]'), field)
    person.fill(rows.last.locator('input[name$=".attribute"]'), attribute)
