"""Faces: from speech with phoneme timings to pictures."""
