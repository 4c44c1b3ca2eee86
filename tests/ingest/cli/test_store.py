"""`komo-braze store`, as a person types it."""

from collections.abc import Callable

import orjson

from tests.factories import a_document
from workers.store import Stores
from workers.store.format import FORMAT, KEY

Run = Callable[..., tuple[int, str, str]]


def test_a_store_of_a_newer_version_is_one_sentence(komo_braze: Run, stores: Stores) -> None:
    """Whoever went back a version has to know why nothing works, and nothing may be touched."""
    stores.connection.set(KEY, FORMAT + 1)

    status, out, err = komo_braze("integrations", "list")

    assert (status, out) == (1, "")
    assert err.startswith(f"Error: The store has format {FORMAT + 1}, and this version knows {FORMAT} at most")
    assert komo_braze("store", "format")[1] == f"The store has format {FORMAT + 1}; this version needs {FORMAT}.\n"
    assert komo_braze("store", "upgrade")[0] == 1
    stores.connection.delete(KEY)


def test_a_store_of_this_version_needs_no_upgrade(komo_braze: Run, stores: Stores) -> None:
    """Asking once too often does no harm."""
    assert komo_braze("store", "upgrade") == (0, f"The store has format {FORMAT}.\n", "")


def test_nothing_is_done_to_the_store_beside_a_worker(komo_braze: Run, stores: Stores) -> None:
    """It would send meanwhile what is only just being marked."""
    stores.alive.beat("worker here:7")

    status, _, err = komo_braze("store", "restored")

    assert status == 1
    assert "The worker here:7 was alive" in err


def test_after_a_restore_it_is_told_what_is_doubtful(komo_braze: Run, stores: Stores) -> None:
    """So that a person can pause, or look, before anything is sent."""
    stores.integrations.save(a_document(), by="test")

    told = orjson.loads(komo_braze("store", "restored", "--json")[1])

    assert told["items"] == [{"integration": "summer-hub", "waiting": 0, "held": 0, "dead": 0, "messages": 0}]
    assert "summer-hub" in komo_braze("store", "restored")[1]
