import pytest

from schemas.settings import NEEDED_BY_WEB, SECRET_SETTINGS, SETTING_NAMES, SettingsError, load_settings, origin, shown

KEY = "wJ2r8vQxT5nLk0ZbYd7uHs3PfGm9Ac4E"


def test_an_empty_environment_gives_the_documented_defaults() -> None:
    """`komo-braze up` must run with nothing configured."""
    settings = load_settings({})

    assert (settings.host, settings.port, settings.log_level) == ("0.0.0.0", 8000, "INFO")
    assert (settings.max_waiting, settings.max_waiting_bytes) == (1_000_000, None)
    assert (settings.retention_hours, settings.keep_settled, settings.hold_hours) == (72, 100_000, 24)
    assert (settings.dead_letter_retention_hours, settings.person_spacing_ms) == (720, 2000)
    assert (settings.worker_threads, settings.lanes, settings.trusted_proxies) == (16, 4, 0)
    assert settings.redis_url is None
    assert settings.secret_key == ()


def test_every_mistake_is_reported_at_once() -> None:
    """Mending one setting a start is a bad afternoon."""
    with pytest.raises(SettingsError) as caught:
        load_settings({"PORT": "http", "LANES": "0", "LOG_LEVEL": "loud", "REDIS_URL": "http://x"}, need=NEEDED_BY_WEB)

    assert sorted(caught.value.sentences) == [
        "ADMIN_PASSWORD must be set.",
        "API_TOKEN must be set.",
        "LANES is '0', but must be a whole number from 1 to 256.",
        "LOG_LEVEL is 'loud', but must be DEBUG, INFO, WARNING or ERROR.",
        "PORT is 'http', but must be a whole number from 1 to 65,535.",
        "REDIS_URL must start with redis://, rediss://, unix:// or sentinel://.",
        "SECRET_KEY must be set.",
    ]


@pytest.mark.parametrize("given", ["1", "3", "3601"])
def test_a_watchdog_is_no_quicker_than_the_clock(given: str) -> None:
    """It would end a clock that is well before its next call, for ever."""
    with pytest.raises(SettingsError, match=f"WATCHDOG_S is '{given}', but must be "):
        load_settings({"WATCHDOG_S": given})

    assert [load_settings({"WATCHDOG_S": good}).watchdog_s for good in ("0", "4", "3600")] == [0, 4, 3600]


@pytest.mark.parametrize("name", sorted(SECRET_SETTINGS))
def test_a_wrong_secret_is_never_repeated(name: str) -> None:
    """Errors of a start end in logs that many people read."""
    with pytest.raises(SettingsError) as caught:
        load_settings({name: "s3cr3t"} | {"PORT": "no"})

    assert "s3cr3t" not in str(caught.value)


def test_secrets_are_neither_in_the_repr_nor_in_what_is_shown() -> None:
    """A settings object ends in tracebacks and in the doctor's report."""
    secret = "https://user:s3cr3t-s3cr3t-s3cr3t@host"
    given = dict.fromkeys(SECRET_SETTINGS - {"SECRET_KEY", "REDIS_URL"}, secret)
    settings = load_settings(given | {"SECRET_KEY": KEY + "s3cr3t", "REDIS_URL": "redis://:s3cr3t@host"})

    assert "s3cr3t" not in repr(settings)
    assert "s3cr3t" not in repr(shown(settings))
    assert shown(settings)["REDIS_URL"] == "set"
    assert list(shown(settings)) == list(SETTING_NAMES)


def test_blank_values_count_as_not_set() -> None:
    """Compose files hand over empty strings for what nobody set."""
    settings = load_settings({"PORT": "", "SECRET_KEY": "  ", "PUBLIC_URL": ""})

    assert settings.port == 8000
    assert settings.secret_key == ()
    assert settings.public_url is None


def test_secret_keys_are_listed_newest_first() -> None:
    """Rotation puts the new key in front of the old one."""
    other = KEY[::-1]

    assert load_settings({"SECRET_KEY": f"{other} , {KEY}"}).secret_key == (other, KEY)


@pytest.mark.parametrize("weak", ["short", "a" * 64, f"{KEY},changeme"])
def test_a_weak_secret_key_is_refused(weak: str) -> None:
    """Whoever guesses it signs in and opens the sealed Braze keys."""
    with pytest.raises(SettingsError, match="SECRET_KEY must hold random keys"):
        load_settings({"SECRET_KEY": weak})


@pytest.mark.parametrize(
    "url",
    [
        "redis://localhost:6379/0",
        "rediss://:pw@store.example.com/1",
        "unix:///run/redis/redis.sock?db=2",
        "sentinel://:pw@one:26379,two:26379/0?master=mymaster",
    ],
)
def test_every_form_of_store_address_is_taken(url: str) -> None:
    """All of them are in use."""
    assert load_settings({"REDIS_URL": url}).redis_url == url


@pytest.mark.parametrize(
    "url", ["localhost:6379", "unix://redis.sock", "sentinel://one:26379/0", "redis:///0", "redis://[::1:6379", "//]"]
)
def test_a_store_address_that_can_not_work_is_refused(url: str) -> None:
    """The mistake is in the setting, so say so before anything tries to connect."""
    with pytest.raises(SettingsError, match="REDIS_URL must"):
        load_settings({"REDIS_URL": url})


def test_extra_braze_hosts_are_compared_in_one_way_of_writing() -> None:
    """HTTPS://Rest.Example.com:443/ and https://rest.example.com are one host."""
    hosts = "HTTPS://Rest.Example.com:443/, http://127.0.0.1:8001,https://rest.example.com"

    assert load_settings({"EXTRA_BRAZE_HOSTS": hosts}).extra_braze_hosts == (
        "https://rest.example.com",
        "http://127.0.0.1:8001",
    )


@pytest.mark.parametrize(
    "url", ["ftp://x", "https://", "https://u:p@x", "https://x/path", "https://x?q=1", "x:80", "http://r :"]
)
def test_an_origin_is_scheme_host_and_port_alone(url: str) -> None:
    """A path or a user in the allow-list would look like a narrower rule than it is."""
    with pytest.raises(ValueError, match=r"must be|is no"):
        origin(url)


def test_an_origin_keeps_a_port_of_its_own_and_the_brackets_of_an_address() -> None:
    """IPv6 addresses hold colons themselves."""
    assert origin("http://[::1]:8001") == "http://[::1]:8001"
    assert origin("http://localhost:80") == "http://localhost"


@pytest.mark.parametrize(("written", "meant"), [("1", True), ("true", True), ("0", False), ("no", False)])
def test_a_switch_is_read_in_its_usual_forms(written: str, meant: bool) -> None:
    """Nobody remembers which form this program wants."""
    assert load_settings({"METRICS_PUBLIC": written}).metrics_public is meant


def test_a_public_url_loses_its_last_slash() -> None:
    """Every address shown is built by appending a path."""
    assert load_settings({"PUBLIC_URL": "https://komo.example.com/"}).public_url == "https://komo.example.com"
