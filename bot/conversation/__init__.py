"""People, conversations and turns: what was asked, what was answered, and how far it has come."""
