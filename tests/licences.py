"""
`make licences`: docs/licences.md, out of what the installed packages say of themselves.

Runtime dependencies alone, with those that they bring along; tests and tools are not shipped.
"""

import re
import sys
from collections.abc import Iterator
from importlib.metadata import Distribution, PackageMetadata, PackageNotFoundError, distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "licences.md"
OURS = "komo-braze"
HEAD = """# Licences of what is installed along

komo-braze itself is under the MIT licence. These packages are installed with it; each has its licence among its own
files. pycountry is under the LGPL, certifi and orjson in part under the MPL: they bind who changes these packages
themselves, not who uses them. A container image passes them on as they are. The embedded store's package brings the
program of Valkey along (BSD licence). Renew the list with `make licences`.

| Package | Version | Licence |
| --- | --- | --- |
"""
#: Where a package says less than its classifiers, or too much for a table.
_CLASSIFIER = "License :: OSI Approved :: "


def runtime() -> dict[str, Distribution]:
    """What our package needs, and what that needs, by name; what another system needs is left out."""
    found: dict[str, Distribution] = {}
    wanted = list(_needs(distribution(OURS), frozenset()))
    while wanted:
        name, extras = wanted.pop()
        if name in found and not extras:
            continue
        try:
            found[name] = distribution(name)
        except PackageNotFoundError:
            continue
        wanted += [one for one in _needs(found[name], extras) if one[0] not in found]
    return dict(sorted(found.items()))


def _needs(package: Distribution, extras: frozenset[str]) -> Iterator[tuple[str, frozenset[str]]]:
    for text in package.requires or ():
        one = Requirement(text)
        if one.marker is None or any(one.marker.evaluate({"extra": extra}) for extra in ("", *extras)):
            yield canonicalize_name(one.name), frozenset(one.extras)


def licence_of(package: Distribution) -> str:
    """In its own words, in one line; `?` where it says nothing."""
    told = package.metadata
    classifiers = [
        one.removeprefix(_CLASSIFIER) for one in told.get_all("Classifier", []) if one.startswith(_CLASSIFIER)
    ]
    plain = _of(told, "License").strip().splitlines()
    short = plain[0] if plain and len(plain[0]) < 60 else ""
    return re.sub(r"\s+", " ", _of(told, "License-Expression") or ", ".join(classifiers) or short or "?")


def _of(told: PackageMetadata, name: str) -> str:
    return told[name] if name in told else ""  # noqa: SIM401 -- its type has no `get`


def page() -> str:
    """The whole of docs/licences.md."""
    rows = [f"| {one.metadata['Name']} | {one.version} | {licence_of(one)} |" for one in runtime().values()]
    return HEAD + "\n".join(rows) + "\n"


def main() -> int:
    """Write it."""
    PAGE.write_text(page(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
