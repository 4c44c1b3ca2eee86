"""A stand-in for a Komo hub: a microsite whose cards post to the connector what Komo would post."""
