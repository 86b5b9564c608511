"""The gateway: REST, server-sent events and the page, over one ledger and one index."""
