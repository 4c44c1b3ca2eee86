"""Which key closed what, and closing it anew."""

from collections.abc import Callable

import pytest
import redis

from tests.factories import a_document
from workers.store.integrations import Integrations
from workers.store.sealed import SealedSecrets

OLD, NEW, OTHER = "old-" * 10, "new-" * 10, "else" * 10
#: api_key, webhook_secret and url_key.
SECRETS = 3


@pytest.fixture
def integrations(store_connection: redis.Redis) -> Integrations:
    """As processes with the old key alone have left it: two integrations, one of them after a rotation, and a draft."""
    found = Integrations(store_connection, secret_keys=[OLD])
    found.save(a_document(), by="a test")
    found.save(a_document(id="winter-hub"), by="a test")
    found.rotate("winter-hub", by="a test")
    found.save_draft({"id": "spring-hub", "name": "Spring", "braze": {"api_key": "given-early"}}, by="a test")
    return found


def reseal_all(sealed: SealedSecrets) -> list[tuple[str, int, int]]:
    told = [(one, sealed.reseal(one)) for one in sealed.ids()]
    return [(one, tally.newest, tally.resealed) for one, tally in told]


def test_everything_is_closed_anew_and_the_old_key_can_go(
    integrations: Integrations, store_connection: redis.Redis
) -> None:
    """Keys and secrets stay what they were, and no version is made of it."""
    before = {one.id: (one.version, one.revision, one.api_key(), one.webhook_secrets, one.url_keys)
              for one in integrations.list()}  # fmt: skip
    sealed = SealedSecrets(store_connection, [NEW, OLD])
    assert (sealed.tally().newest, sealed.tally().left) == (0, 3 * SECRETS + 2)

    assert reseal_all(sealed) == [("spring-hub", 0, 3), ("summer-hub", 0, 3), ("winter-hub", 0, 5)]

    with_new_alone = Integrations(store_connection, secret_keys=[NEW])
    after = {one.id: (one.version, one.revision, one.api_key(), one.webhook_secrets, one.url_keys)
             for one in with_new_alone.list()}  # fmt: skip
    assert after == before
    tally = SealedSecrets(store_connection, [NEW]).tally()
    assert (tally.newest, tally.left, tally.broken) == (3 * SECRETS + 2, 0, {})


def test_a_second_time_there_is_nothing_to_do(integrations: Integrations, store_connection: redis.Redis) -> None:
    """Not even new seals for the same secrets: whoever watches a record is not disturbed."""
    sealed = SealedSecrets(store_connection, [NEW, OLD])
    reseal_all(sealed)
    before = store_connection.hgetall("komo:integration:winter-hub")

    assert reseal_all(sealed) == [("spring-hub", 3, 0), ("summer-hub", 3, 0), ("winter-hub", 5, 0)]
    assert store_connection.hgetall("komo:integration:winter-hub") == before


def test_what_no_key_opens_is_left_and_named(integrations: Integrations, store_connection: redis.Redis) -> None:
    """Somebody may find the key yet; the others are closed anew all the same."""
    Integrations(store_connection, secret_keys=[OTHER]).save(a_document(id="lost-hub"), by="a test")
    before = store_connection.hgetall("komo:integration:lost-hub")
    sealed = SealedSecrets(store_connection, [NEW, OLD])

    assert sealed.tally().broken == {"lost-hub": SECRETS}
    assert sealed.reseal("lost-hub").broken == {"lost-hub": SECRETS}
    assert sealed.reseal("summer-hub").resealed == SECRETS
    assert store_connection.hgetall("komo:integration:lost-hub") == before


def test_whoever_saves_meanwhile_wins(
    integrations: Integrations, store_connection: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A key that was given a moment ago must not be replaced by the one before."""
    sealed = SealedSecrets(store_connection, [NEW, OLD])
    document = a_document()
    document["braze"] |= {"api_key": "the-key-of-tomorrow"}
    _just_before_the_script(sealed, lambda: integrations.save(document, by="a test"), monkeypatch)

    tally = sealed.reseal("summer-hub")

    assert (tally.resealed, tally.left) == (SECRETS, 0)
    with_new_alone = Integrations(store_connection, secret_keys=[NEW])
    assert with_new_alone.get("summer-hub").api_key() == "the-key-of-tomorrow"


def test_an_integration_that_is_removed_meanwhile_stays_away(
    integrations: Integrations, store_connection: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or its id could never be used again."""
    sealed = SealedSecrets(store_connection, [NEW, OLD])
    _just_before_the_script(sealed, lambda: integrations.delete("summer-hub"), monkeypatch)

    sealed.reseal("summer-hub")

    assert not store_connection.exists("komo:integration:summer-hub")


def test_a_save_that_was_begun_before_is_made_once_more(
    integrations: Integrations, store_connection: redis.Redis
) -> None:
    """A rotation copies the sealed value that it has read."""
    secrets = integrations.get("summer-hub").webhook_secrets
    SealedSecrets(store_connection, [NEW, OLD]).reseal("summer-hub")

    both = Integrations(store_connection, secret_keys=[NEW, OLD])
    fresh = both.rotate("summer-hub", by="a test")

    with_new_alone = Integrations(store_connection, secret_keys=[NEW])
    assert with_new_alone.get("summer-hub").webhook_secrets == (fresh["webhook_secret"], *secrets)


@pytest.mark.parametrize(("keys", "opens"), [([OLD], True), ([NEW, OLD], True), ([OTHER], False)])
def test_a_process_can_tell_that_its_keys_are_of_another_store(
    integrations: Integrations, store_connection: redis.Redis, keys: list[str], opens: bool
) -> None:
    """It could open no webhook secret, and refuse everybody."""
    assert SealedSecrets(store_connection, keys).opens_any() is opens


def test_any_key_will_do_for_an_empty_store(store_connection: redis.Redis) -> None:
    """There is nothing yet that it has to open."""
    sealed = SealedSecrets(store_connection, [OTHER])
    assert sealed.opens_any()

    Integrations(store_connection, secret_keys=[OLD]).save(a_document(), by="a test")
    assert not sealed.opens_any()


def _just_before_the_script(sealed: SealedSecrets, what: Callable[[], object], monkeypatch: pytest.MonkeyPatch) -> None:
    """Once."""
    script, left = sealed._reseal, [what]

    def call(*arguments: object) -> object:
        if left:
            left.pop()()
        return script(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(sealed, "_reseal", call)
