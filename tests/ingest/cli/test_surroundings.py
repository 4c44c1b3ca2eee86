import json
from pathlib import Path

import pytest

from ingest.cli.surroundings import MADE_UP, Unusable, keep_secrets, surroundings
from schemas.settings import NEEDED_BY_WEB, SettingsError
from workers.errors import StoreUnavailable
from workers.store.connect import connect

KEY = "wJ2r8vQxT5nLk0ZbYd7uHs3PfGm9Ac4E"


def test_nothing_configured_gives_a_store_and_secrets_of_the_data_directory(tmp_path: Path) -> None:
    """The first five minutes need no settings at all."""
    with surroundings({"DATA_DIR": str(tmp_path)}, need=NEEDED_BY_WEB) as found:
        assert found.store is not None
        with connect(found.environ["REDIS_URL"]) as client:
            assert client.ping()
        assert set(found.kept) == set(MADE_UP)
        assert found.settings.secret_key == (found.environ["SECRET_KEY"],)

    with pytest.raises(StoreUnavailable):
        connect(found.environ["REDIS_URL"])


def test_made_up_secrets_stay_the_same_and_belong_to_their_owner_alone(tmp_path: Path) -> None:
    """Sealed Braze keys are opened with them at the next start."""
    first = keep_secrets(tmp_path, ["SECRET_KEY"])

    assert keep_secrets(tmp_path, ["SECRET_KEY"]) == first
    assert len(first["SECRET_KEY"]) >= 48
    assert (tmp_path / "secrets.json").stat().st_mode & 0o777 == 0o600
    assert sorted(path.name for path in tmp_path.iterdir()) == ["secrets.json"]


def test_what_is_set_wins_over_what_is_kept(tmp_path: Path) -> None:
    """Setting a variable later must have its effect."""
    with surroundings({"DATA_DIR": str(tmp_path), "SECRET_KEY": KEY}, need=NEEDED_BY_WEB) as found:
        assert found.settings.secret_key == (KEY,)
        assert set(found.kept) == {"ADMIN_PASSWORD", "API_TOKEN"}


def test_with_a_store_of_its_own_a_command_makes_up_no_secret(redis_server: str, tmp_path: Path) -> None:
    """It would seal with a key that the web process does not have."""
    with (
        pytest.raises(SettingsError, match="SECRET_KEY must be set"),
        surroundings({"DATA_DIR": str(tmp_path), "REDIS_URL": redis_server}),
    ):
        pass
    assert list(tmp_path.iterdir()) == []


def test_up_makes_up_secrets_for_a_store_of_its_own_too(redis_server: str, tmp_path: Path) -> None:
    """`komo-braze up` is one machine: its data directory is the place."""
    given = {"DATA_DIR": str(tmp_path), "REDIS_URL": redis_server}
    with surroundings(given, need=NEEDED_BY_WEB, make_up=True) as found:
        assert found.store is None
        assert found.environ["REDIS_URL"] == redis_server
        assert (tmp_path / "secrets.json").exists()


def test_a_wrong_store_address_is_one_clear_sentence(tmp_path: Path) -> None:
    """It is said before anything starts."""
    given = {"DATA_DIR": str(tmp_path), "REDIS_URL": "redis://127.0.0.1:1/0", "SECRET_KEY": KEY}
    with (
        pytest.raises(StoreUnavailable, match=r"The store at redis://127\.0\.0\.1:1/0 can't be reached .*: look at"),
        surroundings(given),
    ):
        pass


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"SECRET_KEY": '])
def test_a_broken_file_of_secrets_is_never_replaced(tmp_path: Path, content: str) -> None:
    """A new key would lock up every sealed Braze key for good."""
    (tmp_path / "secrets.json").write_text(content)

    with pytest.raises(Unusable, match=r"secrets.json can't be read: mend it, or set SECRET_KEY\."):
        keep_secrets(tmp_path, ["SECRET_KEY"])
    assert (tmp_path / "secrets.json").read_text() == content


def test_a_data_directory_without_rights_is_one_clear_sentence() -> None:
    """The most common mistake of a first start."""
    with pytest.raises(Unusable, match=r"The data directory /proc/no-such-place can't be used \(.*\)\.$"):
        keep_secrets(Path("/proc/no-such-place"), ["SECRET_KEY"])


def test_the_kept_secrets_can_be_read_by_people_and_programs(tmp_path: Path) -> None:
    """Somebody will look for the password that scrolled away."""
    keep_secrets(tmp_path, [])

    assert set(json.loads((tmp_path / "secrets.json").read_text())) == set(MADE_UP)
