"""Hearing: from any recording to words."""
