"""Sound and pictures: decode, recognise, pronounce, speak, animate, encode.

Knows no person, no database and no web. Models load when they are first used, once a process.
"""
