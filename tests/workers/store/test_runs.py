"""What all processes must run with alike."""

from schemas.settings import load_settings
from workers.store.runs import runs_with

SECRET = "a-secret-of-somebody-0123456789abcdef"
SETTINGS = {"REDIS_URL": f"redis://:{SECRET}@127.0.0.1:6379/0", "SECRET_KEY": f"{SECRET},{SECRET[::-1]}"}


def test_a_process_tells_its_limits_and_no_secret() -> None:
    """It stands in the store in the clear."""
    told = runs_with(load_settings(SETTINGS | {"LANES": "7", "API_TOKEN": SECRET}))

    assert told["settings"]["LANES"] == 7
    assert len(told["keys"]) == 2
    assert SECRET not in str(told)


def test_what_may_differ_is_left_out() -> None:
    """Nobody wants to hear that another port is another port."""
    here, there = (runs_with(load_settings(SETTINGS | {"PORT": port, "HOST": port})) for port in ("8000", "9000"))

    assert here == there
