"""One router a domain. Endpoints parse, call the ledger or the index, and answer."""
