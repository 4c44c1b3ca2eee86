"""Connecting a hub in five steps, changing that later, and an integration's own page: one file for each of them."""

from ingest.pages.connect import braze, document, integration, komo, name, people

NOUNS = (
    name.first, integration.blueprint, name.blueprint, komo.blueprint, braze.blueprint, people.blueprint,
    document.blueprint,
)  # fmt: skip
