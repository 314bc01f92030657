"""Video calls, measured in a real browser against the real server, each in its own process.

`call` (the default): one call with several questions, asked by another persona's voice through the
browser's microphone. Prints the first sight of the counsellor after the tap, end of speech → first
sound (both taken from one clock in the browser), late pictures while she speaks, and how far lips
and sound are apart. `talk`: the same with an interruption: a question, a second one into its
answer, a third; how soon she stops. `light`: two calls without a browser, which on a machine of two
cores takes more of them than the server: first sounds where they arrive, late pictures. `soak`: one
call of so many minutes: drift and memory. `hostile`: two hundred malformed offers, floods of
candidates, vanished peers: what is left of them. `capacity`: the share of a core that each of two
calls takes while it is listened to, with VP8 and with H.264.

Needs Chromium and the packaged models; nothing is sent anywhere.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import statistics
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import requests
from aiortc import RTCRtpSender
from call_house import PAUSE, House, browser, honest, house, microphone, questions
from call_light import LOUD, Heard, ring
from playwright.sync_api import Page
from scipy.signal import resample_poly

from bot.conversation.database import sessions
from bot.conversation.models import Turn
from bot.settings import load_settings
from tests.bot.calls.caller import Caller
from tests.bot.calls.received import PLAYOUT, begin_watching, watched
from tests.bot.calls.test_offers import hostile as wrong

PARTS = ("call", "talk", "light", "soak", "hostile", "capacity")
TALK = (6.0, PAUSE, PAUSE)
"""Seconds after each question of `talk`: the second is asked into the answer to the first."""
LIGHT_PAUSE = 14.0
BARS = {
    "first sight": 2.0,
    "first sound p50": 1.2,
    "late": 0.05,
    "stops after": 0.3,
    "drift": 0.04,
    "memory": 0.05,
}

EARS = """async () => {
  const context = new AudioContext({ sampleRate: 48000, latencyHint: 0 });
  const code = `registerProcessor('ears', class extends AudioWorkletProcessor {
    constructor() { super(); this.sum = [0, 0]; this.count = 0; }
    process(inputs) {
      inputs.forEach((input, i) => {
        if (input[0]) for (const x of input[0]) this.sum[i] += x * x;
      });
      if (++this.count % 8 === 0) {
        this.port.postMessage([currentTime, ...this.sum.map((x) => Math.sqrt(x / 1024))]);
        this.sum = [0, 0];
      }
      return true;
    }
  });`;
  const module = new Blob([code], { type: 'text/javascript' });
  await context.audioWorklet.addModule(URL.createObjectURL(module));
  const ears = new AudioWorkletNode(context, 'ears', { numberOfInputs: 2 });
  window.ears = [];
  ears.port.onmessage = (event) => window.ears.push(event.data);
  const senders = window.peers[0].getSenders();
  const sender = senders.find((one) => one.track && one.track.kind === 'audio');
  context.createMediaStreamSource(new MediaStream([sender.track])).connect(ears, 0, 0);
  context.createMediaStreamSource(document.getElementById('face').srcObject).connect(ears, 0, 1);
}"""
FIRST = """() => new Promise((resolve) => {
  const face = document.getElementById('face');
  const begun = performance.now();
  face.requestVideoFrameCallback(() => resolve((performance.now() - begun) / 1000));
  document.getElementById('begin').click();
})"""


def call(pauses: Sequence[float], speech: Path, shots: Path | None = None) -> dict[str, float]:
    """Measure one call with a question before each of `pauses`; the first may be interrupted."""
    with house(speech) as made:
        wav = made.folder / "microphone.wav"
        seconds = microphone(wav, pauses)
        with browser(wav) as page:
            page.goto(made.link)
            shoot(page, shots, "start")
            sight = float(page.evaluate(FIRST))
            page.evaluate(EARS)
            begin_watching(page)
            before, began = made.cpu(), time.monotonic()
            time.sleep(seconds - pauses[-1])
            shoot(page, shots, "talk")
            time.sleep(pauses[-1] - 2.0)
            received = watched(page)
            cpu = (made.cpu() - before) / (time.monotonic() - began)
            newer = [float(page.evaluate(PLAYOUT)) / 1000 for _ in range(3)]
            ears = np.array(json.loads(page.evaluate("JSON.stringify(window.ears)")))
            page.click("#bye")
            page.wait_for_url("**/done**")
            shoot(page, shots, "done")
        report = made.ended()[0]
        stored = tell_turns()
    waits = first_sounds(ears)
    stops = stopped(ears)
    offset, likeness = received.offset()
    pictures = report["speaking"] or 1
    gaps = np.diff(received.seen)
    found = {
        "first sight": sight,
        "questions stored": stored,
        "first sounds": len(waits),
        "first sound p50": statistics.median(waits) if waits else float("nan"),
        "first sound worst": max(waits, default=float("nan")),
        "late": report["speaking_late"] / pictures,
        "gaps over 60 ms in the browser": float((gaps > 0.06).mean()),
        "lips after sound": offset,
        "likeness": likeness,
        "picture newer than sound": statistics.median(newer),
        "the server's cores, all the call": cpu,
    }
    if len(stops):
        found["interruptions"] = len(stops)
        found["stops after"] = statistics.median(stops)
    print("  first sounds:", ", ".join(f"{wait:.2f}" for wait in waits))
    print("  at the end:", report)
    return found


def light(count: int, speech: Path) -> dict[str, float]:
    """Measure two calls with `count` questions each; the second time the answers are known."""
    sound, ends = questions([LIGHT_PAUSE] * count)
    samples = resample_poly(sound.samples, 2, 1).astype(np.float32)
    found: dict[str, float] = {}
    with house(speech) as made:
        for number, name in enumerate(("new", "known"), 1):
            before, began = made.cpu(), time.monotonic()
            heard = asyncio.run(ring(made.links[number], samples, ends))
            share = (made.cpu() - before) / (time.monotonic() - began)
            report = made.ended(number)[-1]
            waits = heard.first_sounds(LIGHT_PAUSE)
            print(f"  {name}: {heard.captions}")
            print("  first sounds:", ", ".join(f"{wait:.2f}" for wait in waits))
            print("  at the end:", report)
            found |= {
                f"first picture ({name})": heard.pictures[0] - heard.rang,
                f"first sound p50 ({name})": statistics.median(waits) if waits else float("nan"),
                f"first sound worst ({name})": max(waits, default=float("nan")),
                f"late ({name})": report["speaking_late"] / (report["speaking"] or 1),
                f"gaps over 60 ms while she speaks ({name})": gaps_while_speaking(heard),
                f"the server's cores ({name})": share,
            }
        tell_turns()
    return found


def gaps_while_speaking(heard: Heard) -> float:
    """Return the share of pictures that came more than 60 ms after the one before, in speech."""
    loud = np.array([moment for moment, level in heard.sounds if level > LOUD])
    pictures = np.array(heard.pictures)
    if not len(loud):
        return float("nan")
    near = np.abs(pictures[1:, None] - loud[None, :]).min(axis=1) < 0.05
    return float((np.diff(pictures)[near] > 0.06).mean())


def tell_turns() -> int:
    """Print what was stored of the questions; return how many there are."""
    with sessions(load_settings())() as session:
        turns = session.query(Turn).order_by(Turn.id).all()
        for turn in turns:
            steps = {step.step: round(step.seconds, 2) for step in turn.steps}
            print(f"  {turn.text!r}: {turn.outcome} {steps} heard: {turn.heard!r}")
    return len(turns)


def shoot(page: Page, folder: Path | None, name: str) -> None:
    """Keep a picture of `page`, if pictures are wanted."""
    if folder is not None:
        page.screenshot(path=folder / f"call-{name}.png")


def stopped(ears: np.ndarray) -> list[float]:
    """Return for each interruption the seconds from its beginning until she is silent."""
    time_, mine, hers = ears.T
    loud = mine > 0.01
    begins = [i for i in np.flatnonzero(loud[1:]) + 1 if not loud[max(0, i - 48) : i].any()]
    found = []
    for begin in begins:
        if not (hers[max(0, begin - 24) : begin] > 0.005).any():
            continue
        quiet = [i for i in range(begin, len(hers) - 12) if not (hers[i : i + 12] > 0.005).any()]
        if quiet:
            found.append(float(time_[quiet[0]] - time_[begin]))
    return found


def first_sounds(ears: np.ndarray) -> list[float]:
    """Return the seconds from the end of each question to the first sound that follows.

    `ears` has a row for every 21 ms: time, loudness of the microphone, of the counsellor.
    """
    time_, mine, hers = ears.T
    found = []
    loud = mine > 0.01
    ends = [i for i in np.flatnonzero(loud[:-1] & ~loud[1:]) if not loud[i + 1 : i + 48].any()]
    for end in ends:
        if (hers[max(0, end - 12) : end + 1] > 0.005).any():
            continue  # she was speaking herself
        after = np.flatnonzero(hers[end + 1 :] > 0.005)
        if len(after):
            wait = float(time_[end + 1 + after[0]] - time_[end])
            if wait < PAUSE:
                found.append(wait)
    return found


def soak(minutes: float) -> dict[str, float]:
    """Measure one call of `minutes`: drift between sound and picture, and memory."""
    with house(longest_minutes=str(minutes + 5)) as made:
        wav = made.folder / "microphone.wav"
        microphone(wav, [PAUSE] * 2)
        drifts, sizes = [], []
        with browser(wav) as page:
            page.goto(made.link)
            page.evaluate(FIRST)
            end = time.monotonic() + minutes * 60
            while time.monotonic() < end:
                time.sleep(min(10.0, max(0.1, end - time.monotonic())))
                newer = page.evaluate(PLAYOUT)
                if newer is not None:
                    drifts.append(float(newer) / 1000)
                sizes.append(made.memory())
            page.click("#bye")
            page.wait_for_url("**/done**")
        report = made.ended()[0]
    # The first minute fills caches; what counts is what is flat after it.
    settled = sizes[6:] or sizes
    early, late = (statistics.median(part) for part in (drifts[:12], drifts[-12:]))
    return {
        "minutes": minutes,
        "drift": abs(late - early),
        "memory after a minute (MB)": settled[0],
        "memory at the end (MB)": settled[-1],
        "memory": abs(settled[-1] - settled[0]) / settled[0],
        "late": report["speaking_late"] / (report["speaking"] or 1),
    }


def hostile() -> dict[str, float]:
    """Send what hostile callers would, five times; return what the last time leaves in the server.

    The first ones fill pools and caches. An honest caller is in a call all along, undisturbed.
    """
    sdp = asyncio.run(offered())
    rng = random.Random(3)
    with house(offers_a_minute="100000", connect_seconds="3", most_calls="8") as made:

        def post(text: str, link: str = made.link) -> int:
            data = json.dumps({"type": "offer", "sdp": text})
            return requests.post(f"{link}/offer", data=data, timeout=60).status_code

        def damaged() -> str:
            text = list(sdp)
            for _ in range(rng.randint(1, 30)):
                at = rng.randrange(len(text))
                text[at : at + rng.randint(1, 40)] = rng.choice(["", "\n", "=", "\0", "m="])
            return "".join(text)

        with honest(made) as caller, ThreadPoolExecutor(4) as pool:
            left: list[tuple[float, int, int]] = []
            for _ in range(5):
                texts = [*wrong(sdp).values()]
                texts += [damaged() for _ in range(200 - len(texts))]
                statuses = list(pool.map(post, texts))
                # A newer call of a person replaces the older: a hundred peers that never come.
                vanished = list(pool.map(lambda _: post(sdp), range(100)))
                quiet(made, calls=1)
                left.append((made.memory(), made.files(), made.threads()))
            heard = len(caller.sounds)
            time.sleep(2)
            undisturbed = made.calls() == 1 and len(caller.sounds) > heard
        quiet(made)
        alive = made.server.poll() is None and made.calls() == 0
    counts = Counter(statuses), Counter(vanished)
    print(
        f"  answers to hostile offers: {dict(counts[0])}, to peers that vanish: {dict(counts[1])}"
    )
    print("  after each time, MB:", ", ".join(f"{memory:.0f}" for memory, _, _ in left))
    memory, files, threads = (b - a for a, b in zip(*left[-2:], strict=True))
    return {
        "offers": len(statuses) + len(vanished),
        "refused with 400": counts[0][400],
        "alive and empty": float(alive),
        "the honest caller undisturbed": float(undisturbed),
        "memory grown (MB)": memory,
        "files and sockets left": files,
        "threads left": threads,
    }


async def offered() -> str:
    """Return a good offer that nobody stands behind any more."""
    caller = Caller(np.zeros(0, np.float32))
    sdp = await caller.offer()
    await caller.hang_up()
    return sdp


def capacity() -> dict[str, float]:
    """Return the share of a core that a call takes that is only listened to."""

    async def shares(made: House, codec: str) -> float:
        callers = []
        for link in made.links[:2]:
            caller = Caller(np.zeros(0, np.float32))
            known = RTCRtpSender.getCapabilities("video").codecs
            chosen = [one for one in known if one.mimeType == f"video/{codec}"]
            for one in caller.peer.getTransceivers():
                if one.kind == "video":
                    one.setCodecPreferences(chosen)
            body = json.dumps({"type": "offer", "sdp": await caller.offer()})
            url = f"{link}/offer"
            answer = await asyncio.to_thread(requests.post, url, data=body, timeout=60)
            await caller.take(answer.json()["sdp"])
            callers.append(caller)
        await asyncio.sleep(12)  # the greeting
        before, began = made.cpu(), time.monotonic()
        await asyncio.sleep(8)
        share = (made.cpu() - before) / (time.monotonic() - began) / len(callers)
        for caller in callers:
            caller.tell({"type": "bye"})
        await asyncio.sleep(1)
        for caller in callers:
            await caller.hang_up()
        return share

    with house() as made:
        return {
            f"share of a core, listening, {codec}": asyncio.run(shares(made, codec))
            for codec in ("VP8", "H264")
        }


def quiet(made: House, calls: int = 0) -> None:
    """Wait until only `calls` go on, and a little for what closes after the others."""
    end = time.monotonic() + 60
    while made.calls() > calls and time.monotonic() < end:
        time.sleep(0.2)
    time.sleep(3)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("part", nargs="?", default="call", choices=PARTS)
    parser.add_argument("--questions", type=int, default=3)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--speech", type=Path, default=Path("var/speech"), help="what was spoken")
    parser.add_argument("--shots", type=Path, help="folder for pictures of the page")
    asked = parser.parse_args()
    parts = {
        "call": lambda: call([PAUSE] * asked.questions, asked.speech, asked.shots),
        "light": lambda: light(asked.questions, asked.speech),
        "talk": lambda: call(TALK, asked.speech, asked.shots),
        "soak": lambda: soak(asked.minutes),
        "hostile": hostile,
        "capacity": capacity,
    }
    for name, value in parts[asked.part]().items():
        known = name.partition(" (")[0]
        bar = f"  (bar {BARS[known]}, {value / BARS[known]:.2f} of it)" if known in BARS else ""
        print(f"{name}: {value:.3f}{bar}")


if __name__ == "__main__":
    main()
