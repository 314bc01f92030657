"""What a browser received of a call: watched in the page, compared here."""

from __future__ import annotations

import json
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from playwright.sync_api import Page

from media.types import FRAME_RATE

MOUTH = (slice(0.535, 0.645), slice(0.42, 0.58))
"""Where the counsellor's mouth is, in shares of the picture's height and width."""

WATCH = """async ([top, bottom, left, right]) => {
  const face = document.getElementById('face');
  const seen = [], heard = [], clocks = [];
  const canvas = document.createElement('canvas');
  const pen = canvas.getContext('2d', { willReadFrequently: true });
  const look = (now, frame) => {
    const w = frame.width, h = frame.height;
    canvas.width = Math.round(w * (right - left));
    canvas.height = Math.round(h * (bottom - top));
    const size = [canvas.width, canvas.height];
    pen.drawImage(face, w * left, h * top, ...size, 0, 0, ...size);
    const dots = pen.getImageData(0, 0, canvas.width, canvas.height).data;
    let dark = 0;
    for (let i = 0; i < dots.length; i += 4) {
      dark += Math.max(dots[i], dots[i + 1], dots[i + 2]) < 110;
    }
    seen.push([frame.expectedDisplayTime / 1000, (4 * dark) / dots.length, frame.mediaTime]);
    face.requestVideoFrameCallback(look);
  };
  face.requestVideoFrameCallback(look);
  const context = new AudioContext({ sampleRate: 48000, latencyHint: 0 });
  const code = `registerProcessor('level', class extends AudioWorkletProcessor {
    process(inputs) {
      const sound = inputs[0][0];
      if (sound) {
        let sum = 0;
        for (const x of sound) sum += x * x;
        this.port.postMessage([currentTime + sound.length / 96000, Math.sqrt(sum / sound.length)]);
      }
      return true;
    }
  });`;
  const module = new Blob([code], { type: 'text/javascript' });
  await context.audioWorklet.addModule(URL.createObjectURL(module));
  const level = new AudioWorkletNode(context, 'level');
  level.port.onmessage = (event) => heard.push(event.data);
  context.createMediaStreamSource(face.srcObject).connect(level);
  setInterval(() => {
    const clock = context.getOutputTimestamp();
    clocks.push(clock.performanceTime / 1000 - clock.contextTime);
  }, 100);
  window.watched = { seen, heard, clocks };
}"""
TAKE = "() => JSON.stringify(window.watched)"
PLAYOUT = """async () => {
  const moments = {};
  (await window.peers[0].getStats()).forEach((one) => {
    if (one.type === 'inbound-rtp') moments[one.kind] = one.estimatedPlayoutTimestamp;
  });
  return moments.video - moments.audio;
}"""
"""By how many milliseconds the picture that is shown is newer than the sound that is heard."""
SPY = """
window.peers = [];
const Real = window.RTCPeerConnection;
window.RTCPeerConnection = function (...rest) {
  const made = new Real(...rest);
  window.peers.push(made);
  return made;
};
window.RTCPeerConnection.prototype = Real.prototype;
"""
VOICE = """
const real = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
navigator.mediaDevices.getUserMedia = async (wanted) => {
  const stream = await real(wanted);
  const context = new AudioContext();
  const line = context.createMediaStreamDestination();
  context.createMediaStreamSource(stream).connect(line);
  window.speak = (seconds) => {
    // A voice wavers; a steady tone would be taken for noise and removed.
    const rate = context.sampleRate;
    const sound = context.createBuffer(1, Math.round(seconds * rate), rate);
    const samples = sound.getChannelData(0);
    let turn = 0;
    for (let i = 0; i < samples.length; i++) {
      const at = i / rate;
      turn += 2 * Math.PI * (150 + 40 * Math.sin(6 * Math.PI * at)) / rate;
      for (let k = 1; k < 9; k++) samples[i] += Math.sin(k * turn) / k;
      samples[i] *= 0.25 * (0.55 + 0.45 * Math.sin(10 * Math.PI * at));
    }
    const source = new AudioBufferSourceNode(context, { buffer: sound });
    source.connect(line);
    source.start();
  };
  return new MediaStream([...stream.getVideoTracks(), ...line.stream.getAudioTracks()]);
};
"""
"""Lets `window.speak(seconds)` add a voice to the microphone: a person who waits for her turn."""


@dataclass
class Received:
    """What was received: mouth openness at `seen` seconds, loudness at `heard` seconds."""

    seen: NDArray[np.float64]
    openness: NDArray[np.float64]
    heard: NDArray[np.float64]
    loudness: NDArray[np.float64]

    def offset(self, reach: float = 0.4) -> tuple[float, float]:
        """Return by how many seconds the lips come after the sound, and the correlation there."""
        grid = np.arange(max(self.seen[0], self.heard[0]), min(self.seen[-1], self.heard[-1]), 0.01)
        loud = np.interp(grid, self.heard, self.loudness)
        loud = (loud - loud.mean()) / loud.std()
        best = (0.0, -1.0)
        for shift in np.arange(-reach, reach + 0.001, 0.01):
            mouth = np.interp(grid + shift, self.seen, self.openness)
            value = float(np.mean(loud * (mouth - mouth.mean()) / mouth.std()))
            if value > best[1]:
                best = (float(shift), value)
        return best


def begin_watching(page: Page) -> None:
    """Let `page` note from now on what it receives; the page must bypass its policy."""
    top, bottom = MOUTH[0].start, MOUTH[0].stop
    page.evaluate(WATCH, [top, bottom, MOUTH[1].start, MOUTH[1].stop])


def watched(page: Page) -> Received:
    """Return what `page` has received since `begin_watching`."""
    told = json.loads(page.evaluate(TAKE))
    seen, heard = np.array(told["seen"]), np.array(told["heard"])
    clock = float(np.median(told["clocks"]))
    # A picture stays for a frame: its middle is what the eye takes for its moment.
    return Received(seen[:, 0] + 0.5 / FRAME_RATE, seen[:, 1], heard[:, 0] + clock, heard[:, 1])


def openness_of(picture: NDArray[np.uint8]) -> float:
    """Return how much of the mouth's place is dark: the inside of an open mouth."""
    height, width = picture.shape[:2]
    part = picture[
        round(height * MOUTH[0].start) : round(height * MOUTH[0].stop),
        round(width * MOUTH[1].start) : round(width * MOUTH[1].stop),
    ]
    return float((part.max(axis=2) < 110).mean())
