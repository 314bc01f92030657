"""Feeds a sound into a pipe beside the pictures that go with it."""

from __future__ import annotations

import os
import threading

import numpy as np

from media.types import Audio

_BLOCK = 4096


class SoundPipe:
    """Writes `audio` as 32-bit floats into the pipe `fd`, then silence in step with the pictures.

    The reader takes from both streams in turn and waits for the one that is behind. How many
    pictures follow the sound's end is known only when they end, so silence is handed out as
    pictures are (`allow`), and the end of both comes together (`finish`).
    """

    def __init__(self, audio: Audio, fd: int) -> None:
        self._audio = audio
        self._fd = fd
        self._allowed = len(audio.samples)
        self._finished = False
        self._change = threading.Condition()
        self._thread = threading.Thread(target=self._write, daemon=True)
        self._thread.start()

    def allow(self, seconds: float) -> None:
        """Let the stream reach `seconds` from its start."""
        with self._change:
            self._allowed = max(self._allowed, round(seconds * self._audio.rate))
            self._change.notify()

    def finish(self) -> None:
        """End the stream where it has been allowed to reach."""
        with self._change:
            self._finished = True
            self._change.notify()

    def close(self) -> None:
        """Wait until the pipe is closed; the reader must have ended or be reading."""
        self.finish()
        self._thread.join()

    def _write(self) -> None:
        # A reader that has gone is told of by its own exit code.
        try:
            self._send(self._audio.samples.astype("<f4").tobytes())
            sent = len(self._audio.samples)
            while (wanted := self._wait(sent)) > sent:
                self._send(np.zeros(wanted - sent, "<f4").tobytes())
                sent = wanted
        except BrokenPipeError:
            return
        finally:
            os.close(self._fd)

    def _wait(self, sent: int) -> int:
        with self._change:
            self._change.wait_for(lambda: self._finished or self._allowed > sent)
            return self._allowed

    def _send(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            view = view[os.write(self._fd, view[: 4 * _BLOCK]) :]
