"""The live telephone: how long a caller waits, how fast an interruption is heard, at four at once.

    python benchmarks/bench_phone.py --folder DIR --prepare    # questions and speech, once
    python benchmarks/bench_phone.py --folder DIR              # the calls themselves
    python benchmarks/bench_phone.py --folder DIR --part one   # three calls, one after the other
    python benchmarks/bench_phone.py --folder DIR --part four  # four at once, and a fifth

Twilio is played in real time against the service: web in this process, live process beside it. The
questions are our voice and, where `../shared` is there, recordings of people. Each wait is measured
at the caller's ear, from the end of speech to the first frame of the answer; its parts come from
the timeline. The peer in the same run is the recorded way with the same engines: recognise the
whole, answer, speak the whole, one after the other.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
import requests
from sqlalchemy import func, select
from waitress import create_server

ROOT = Path(__file__).resolve().parents[1]
SPEECH = ROOT.parent / "shared" / "data" / "speech_ko"
ACCOUNT = "AC" + "0" * 32
QUESTIONS = [
    "기초연금은 어떻게 신청해요?",
    "독감 예방주사는 어디서 맞아요?",
    "노인 일자리는 어디에 물어봐요?",
    "신청할 때 무엇을 가져가야 돼요?",
    "어, 장기요양등급은 어떻게 받아요?",
]
PEOPLE = [
    "picovoice_rhino_within_context_ko.wav",
    "picovoice_leopard_test_ko.wav",
    "picovoice_rhino_out_of_context_ko.wav",
]
WEB, LIVE, TWILIO = 8300, 8301, 8310


def environment(folder: Path) -> dict[str, str]:
    """Write the settings of the service; return its environment."""
    config = folder / "local.toml"
    config.write_text(
        f'[app]\npublic_url = "http://127.0.0.1:{WEB}"\nport = {WEB}\nsecret_key = "key"\n'
        f'data_dir = "{folder}"\n[database]\nurl = "sqlite:///{folder}/bench.db"\n'
        f'[files]\nurl = "{folder}/files"\n[log]\nlevel = "warning"\n'
        f'[twilio]\nenabled = true\nphone_enabled = true\naccount_sid = "{ACCOUNT}"\n'
        f'auth_token = "word"\napi_url = "http://127.0.0.1:{TWILIO}"\n'
        'media_hosts = ["127.0.0.1", "localhost"]\n'
        '[limits]\nprivate_hosts = ["127.0.0.1", "localhost"]\n'
        f'[live]\nenabled = true\nport = {LIVE}\npublic_url = "http://127.0.0.1:{LIVE}"\n'
        "capacity = 4\nprepare = false\n"
    )
    return os.environ | {"SILVERLINE_CONFIG": str(config), "PYTHONPATH": str(ROOT)}


def questions(folder: Path) -> list[Path]:
    """Return the recordings, ours first."""
    people = [SPEECH / name for name in PEOPLE if (SPEECH / name).is_file()]
    return [folder / f"q{n}.wav" for n in range(len(QUESTIONS))] + people


def prepare(folder: Path) -> None:
    """Speak the questions, and the sentences of their answers as the live process does ahead."""
    from bot.conversation import schema
    from bot.conversation.database import engine
    from bot.conversation.models import Turn
    from bot.conversation.steps import NOT_HEARD
    from bot.live.house import LiveHouse
    from bot.live.lines import Line
    from bot.settings import load_settings
    from media.decode import decode
    from media.speak.frontend import sentences
    from media.speak.telephone import resampled, telephone
    from media.speech_file import write_wav

    settings = load_settings()
    schema.upgrade(engine(settings.database.url))
    house = LiveHouse.of(settings)
    engines = house.engines
    engines.recogniser.warm_up()
    engines.answerer.warm_up()
    for n, text in enumerate(QUESTIONS):
        write_wav(engines.voice.speak(text).audio, folder / f"q{n}.wav")
    said = [*Line, *NOT_HEARD.values()]
    for path in questions(folder):
        # As the line carries it: what is misheard there has an answer of its own.
        sound = resampled(telephone(decode(path)), 16_000)
        began = time.monotonic()
        transcript = engines.recogniser.recognise(sound)
        heard = time.monotonic()
        answer = engines.answerer.answer(transcript.text)
        thought = time.monotonic()
        print(
            f"{path.name:<46} {heard - began:5.2f} s {thought - heard:5.2f} s "
            f"{transcript.text} → {answer.outcome.value}",
            flush=True,
        )
        said.append(answer.text)
        if path.name == "q0.wav":
            engines.persona.voice.speak(answer.text)
            peer = time.monotonic() - began
            (folder / "peer").write_text(str(peer))
            print(f"one after the other (recognise, answer, speak all): {peer:.2f} s", flush=True)
    # What calls before this were answered with: the live process has every article spoken ahead.
    with house.sessions() as session:
        said += session.scalars(select(Turn.answer).distinct()).all()
    for text in dict.fromkeys(said):
        for sentence in sentences(text):
            for _ in house.speaker.parts(sentence):
                pass


@contextmanager
def service(env: dict[str, str]) -> Iterator[tuple[Any, int]]:
    """The web in this process, the live one and a worker beside it; yield services and its id."""
    os.environ.update(env)
    from bot.app import create_app
    from bot.channels.services import Services
    from bot.conversation import schema
    from bot.conversation.database import engine
    from bot.settings import load_settings

    settings = load_settings()
    schema.upgrade(engine(settings.database.url))
    held = Services.of(settings)
    server = create_server(create_app(settings, held), host="127.0.0.1", port=WEB, threads=8)

    def run() -> None:
        with suppress(OSError):
            server.run()

    threading.Thread(target=run, daemon=True).start()
    live = subprocess.Popen([sys.executable, "-m", "bot", "live"], env=env, cwd=ROOT)
    worker = subprocess.Popen([sys.executable, "-m", "bot", "worker"], env=env, cwd=ROOT)
    try:
        for _ in range(600):
            with suppress(requests.RequestException):
                if requests.get(f"http://127.0.0.1:{LIVE}/healthz", timeout=1).ok:
                    break
            time.sleep(0.2)
        yield held, live.pid
    finally:
        for process in (live, worker):
            process.terminate()
            process.wait(30)
        server.close()


def calls_of(vendor: object, plans: Sequence[Sequence[Path | str]]) -> list[Any]:
    """Hold the calls at the same time, a second apart; return them."""
    from bot.simulate.phone import Live, PhoneCall

    made = [
        PhoneCall(
            vendor,  # type: ignore[arg-type]
            f"http://127.0.0.1:{WEB}",
            list(plan),
            caller=f"+82101234{n:04d}",
            live=Live(f"http://127.0.0.1:{LIVE}"),
        )
        for n, plan in enumerate(plans)
    ]
    threads = [threading.Thread(target=call.play) for call in made]
    for thread in threads:
        thread.start()
        time.sleep(1.0)
    for thread in threads:
        thread.join()
    return list(made)


def over(*paths: Path) -> list[str]:
    """Return moves that speak over the answer before."""
    return [f"!{path}" for path in paths]


def row(name: str, values: Sequence[float]) -> None:
    """Print a row of figures."""
    if not values:
        print(f"{name:<34} none")
        return
    p50, p95 = np.percentile(values, [50, 95])
    counted = f"n {len(values):3}  p50 {p50:6.3f} s  p95 {p95:6.3f} s"
    print(f"{name:<34} {counted}  max {max(values):6.3f} s")


def newest(held: Any) -> int:
    """Return the number of the newest turn."""
    from bot.conversation.models import Turn

    with held.sessions() as session:
        return session.scalar(select(func.max(Turn.id))) or 0


def parts(held: Any, first: int) -> None:
    """Print the parts of the turns after number `first`."""
    from bot.conversation.models import Turn

    with held.sessions() as session:
        turns = session.scalars(select(Turn).where(Turn.id > first).order_by(Turn.id)).all()
        found: dict[str, list[float]] = {}
        for turn in turns:
            steps = {step.step: step for step in turn.steps}
            for name in ("pause", "hear", "think", "voice"):
                if name in steps:
                    found.setdefault(name, []).append(steps[name].seconds)
            if "pause" in steps and "say" in steps:
                begun = steps["pause"].started_at
                took = (steps["say"].started_at - begun).total_seconds()
                found.setdefault("end of speech → voice", []).append(took)
            print(f"  {turn.text[:40]:<42} {turn.outcome}")
        for name, values in found.items():
            row(f"  {name}", values)


def cpu_of(pid: int) -> float:
    """Return the processor seconds of a process and of those that it started."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return 0.0
    own = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return own + sum(cpu_of(int(child)) for child in children)


def told(title: str, calls: Sequence[Any]) -> None:
    """Print what the callers met."""
    streams = [call.stream for call in calls if call.stream is not None]
    measured = [s.measured for s in streams]
    print(f"\n{title}: {len(streams)} live of {len(calls)} calls")
    row("end of speech → first sound", [a for m in measured for a in m.firsts])
    row("end of speech → answer", [a for m in measured for a in m.answers])
    if len(streams) > 1:
        for m in measured:
            row("  one call → answer", m.answers)
    row("speech over answer → silence", [a for m in measured for a in m.stops])
    print(f"speech over an answer that had just ended: {sum(m.missed for m in measured)}")
    gaps = [gap for m in measured for gap in m.gaps]
    holes = [hole for m in measured for hole in m.holes]
    print(f"silences within a piece: {len(gaps)}, longest {max(gaps, default=0.0):.3f} s")
    print(f"silences between pieces: {len(holes)}, longest {max(holes, default=0.0):.3f} s")
    late = max((m.late for m in measured), default=0.0)
    print(f"longest wait between two frames on the wire {late:.3f} s")
    ended = [s for s in streams if not s.hung_up]
    print(f"calls that dropped: {len(ended)}")


class Meter:
    """What the two processes took of the processor since the last look."""

    def __init__(self, live: int) -> None:
        self._live = live
        self._before = self._now()

    def look(self, calls: Sequence[Any]) -> None:
        """Print it, and what of it playing `calls` took."""
        now = self._now()
        wall, live, here = (b - a for a, b in zip(self._before, now, strict=True))
        played = sum(call.stream.measured.cpu for call in calls if call.stream is not None)
        print(
            f"processor over {wall:.0f} s: live process {live:.1f} s, "
            f"callers {played:.1f} s, web and what else they need {here - played:.1f} s"
        )
        self._before = now

    def _now(self) -> tuple[float, float, float]:
        return time.monotonic(), cpu_of(self._live), time.process_time()


def measure(folder: Path, env: dict[str, str], part: str) -> None:
    """Hold the calls, and print what came of them."""
    ours = [folder / f"q{n}.wav" for n in range(len(QUESTIONS))]
    people = questions(folder)[len(ours) :] or ours
    print(f"load before: {os.getloadavg()}")
    with service(env) as (held, live):
        from bot.simulate.phone import FakePhone, answers

        with FakePhone(ACCOUNT, "word", f"http://127.0.0.1:{WEB}", TWILIO) as vendor:
            meter = Meter(live)
            if part != "one":
                turns = range(4)
                four = [[ours[n], *over(*(ours[(n + k) % 5] for k in turns[1:]))] for n in turns]
                before = newest(held)
                calls = calls_of(vendor, [*four, [ours[4]]])
                told("four at once, and a fifth", calls)
                for call in calls:
                    if call.stream is None:
                        print(f"answered recorded after {list(answers(call.timeline))} s")
                meter.look(calls)
                parts(held, before)
            if part != "four":
                # Answers are half a minute long: from the second turn on the caller speaks over.
                plans = [
                    [ours[0], *over(people[0], ours[1], people[1 % len(people)], ours[2])],
                    [people[0], *over(ours[3], people[1 % len(people)], ours[4], ours[0])],
                    [ours[1], *over(ours[2], people[2 % len(people)], people[0], ours[3])],
                ]
                before, five = newest(held), []
                for plan in plans:
                    five += calls_of(vendor, [plan])
                    print("answered after", five[-1].stream.measured.answers, flush=True)
                told("five turns, three times", five)
                meter.look(five)
                waits = [a for call in five for a in call.stream.measured.answers]
                peer = float((folder / "peer").read_text())
                times = peer / np.median(waits)
                print(f"the peer, at the load of --prepare, takes {times:.1f} times as long")
                parts(held, before)
            print("broken rules:", [r for r in vendor.book.broken if " took " not in r])
            print("late webhooks:", [r for r in vendor.book.broken if " took " in r])


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=Path("var/bench_phone"))
    parser.add_argument("--prepare", action="store_true")
    parser.add_argument("--part", choices=["all", "one", "four"], default="all")
    chosen = parser.parse_args()
    folder = chosen.folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    env = environment(folder)
    os.environ.update(env)
    if chosen.prepare or not (folder / "q0.wav").exists():
        command = [sys.executable, __file__, "--folder", str(folder)]
        if "BENCH_PHONE_CHILD" in os.environ:
            prepare(folder)
            return
        # In a process of its own: its models are gone when the calls begin.
        subprocess.run([*command, "--prepare"], env=env | {"BENCH_PHONE_CHILD": "1"}, check=True)
    if not chosen.prepare:
        measure(folder, env, chosen.part)


if __name__ == "__main__":
    main()
