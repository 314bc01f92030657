"""One module a channel: verify, parse to an inbound message, deliver a reply."""
