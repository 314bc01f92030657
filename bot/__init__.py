"""Silverline, the service: channels, conversation, knowledge and console around `media`."""
