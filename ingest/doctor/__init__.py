"""Whether everything is set up well and works: one check per part, each of which returns findings."""
