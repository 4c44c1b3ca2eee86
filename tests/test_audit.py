"""What the audit of our libraries says of a report."""

import orjson

from tests.audit import main

CLEAN = orjson.dumps({"dependencies": [{"name": "flask", "version": "3.1.0", "vulns": []}]})
FLAWED = orjson.dumps(
    {"dependencies": [{"name": "old", "version": "1.0", "vulns": [{"id": "CVE-2020-1", "fix_versions": ["1.1"]}]}]}
)


def test_a_known_vulnerability_fails_the_check() -> None:
    """With the release that mends it."""
    assert main(FLAWED, if_reachable=True) == (1, ["old 1.0: CVE-2020-1, mended in 1.1"])
    assert main(CLEAN, if_reachable=False)[0] == 0


def test_what_was_skipped_was_not_found_good() -> None:
    """A mirror that has packages and no list of vulnerabilities lets pip-audit skip all of them, and end well."""
    skipped = {"name": "flask", "skip_reason": "not found"}
    found = {"name": "click", "version": "8.1", "vulns": []}

    assert main(orjson.dumps({"dependencies": [skipped]}), if_reachable=False)[0] == 1
    assert "not checked" in main(orjson.dumps({"dependencies": [skipped]}), if_reachable=True)[1][0]
    assert main(orjson.dumps({"dependencies": [skipped, found]}), if_reachable=True)[0] == 1


def test_a_machine_without_the_internet_can_check_and_is_told() -> None:
    """A silence would look like a good answer; whoever wants to know gets an error."""
    status, told = main(b"", if_reachable=True)

    assert status == 0
    assert len(told) == 1
    assert "not checked" in told[0]
    assert main(b"", if_reachable=False)[0] == 1
    assert main(b"[]", if_reachable=False)[0] == 1
