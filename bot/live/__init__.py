"""Live conversations: heard and answered while the line is open, over any transport."""
