"""`python -m ingest.cli` is `komo-braze`."""

from ingest.cli.main import main

main()
