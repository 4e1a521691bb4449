"""Events to whoever watches: read once from the ledger, dealt out by room, resumable from any event."""
