"""What checks look at, as it is where all is well."""

from typing import Any

import pytest

from ingest.doctor.finding import Finding
from schemas.settings import Settings, load_settings
from workers.store.facts import Facts

MB = 1_000_000
SECRET_KEY = "0123456789abcdefghijklmnopqrstuvwxyz"
GOOD = Facts(
    "redis", "7.2.4",
    used_bytes=10 * MB, most_bytes=2000 * MB, machine_bytes=8000 * MB, policy="noeviction", evicted=0,
    appends=True, fsync="always", save="", appends_well=True, snapshots_well=True,
    replicas=0, min_replicas=0, ahead_s=0,
)  # fmt: skip


@pytest.fixture
def facts() -> Facts:
    return GOOD


def settings_of(**changes: str) -> Settings:
    given = {
        "REDIS_URL": "redis://127.0.0.1:1/0", "SECRET_KEY": SECRET_KEY, "ADMIN_PASSWORD": "Vn3-tQ8_xL0w",
        "API_TOKEN": "h7Kd-2mWz_9pRt4Yc", "PUBLIC_URL": "https://komo.example.org", "TRUSTED_PROXIES": "1",
    }  # fmt: skip
    return load_settings(given | changes)


def troubles(findings: Any) -> list[tuple[str, str]]:
    """Level and sentence of what is not ok; each of them must say what to do, in sentences."""
    found: list[Finding] = list(findings)
    assert found
    assert all(bool(one.do) == (one.level != "ok") for one in found)
    assert all(one.says.endswith(".") for one in found)
    return [(one.level, one.says) for one in found if one.level != "ok"]
