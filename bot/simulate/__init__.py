"""The vendors, played on this machine: what they send, check and answer."""
