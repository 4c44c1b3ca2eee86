"""Who installs us installs these as well, and has to know on what terms."""

import re
from pathlib import Path

from tests.licences import PAGE, licence_of, runtime

CONSTRAINTS = (Path(__file__).parents[1] / "constraints.txt").read_text(encoding="utf-8")
#: Of each file, library or source alone: they leave what uses them as it is, and are looked at one by one.
WEAK = {"certifi", "orjson", "pycountry"}


def test_every_package_that_comes_along_is_listed() -> None:
    """The list is renewed with `make licences`."""
    listed = {row.split(" | ")[0].lower() for row in re.findall(r"^\| (.+)$", PAGE.read_text("utf-8"), re.MULTILINE)}

    assert [one.metadata["Name"] for one in runtime().values() if one.metadata["Name"].lower() not in listed] == []


def test_every_package_that_comes_along_has_its_exact_version() -> None:
    """One without would be another one tomorrow."""
    pinned = {name.lower().replace("_", "-") for name in re.findall(r"^([\w.-]+)==", CONSTRAINTS, re.MULTILINE)}

    assert [name for name in runtime() if name not in pinned] == []


def test_no_licence_binds_whoever_uses_us_unnoticed() -> None:
    """A new package under the GPL, or one that says nothing, has to be seen by a person first."""
    found = {name: licence_of(one) for name, one in runtime().items()}
    copyleft = re.compile(r"GPL|MPL|Mozilla|EUPL|CDDL|SSPL|Affero", re.IGNORECASE)

    assert {name for name, licence in found.items() if copyleft.search(licence)} == WEAK
    assert [name for name, licence in found.items() if licence == "?"] == []
    assert [name for name, licence in found.items() if re.search(r"(?<!L)GPL|Affero|SSPL", licence)] == []
