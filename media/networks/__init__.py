"""Published networks, each in one readable file, with the layer names of its checkpoints.

Importing a module here imports torch; nothing else in `media` does.
"""
