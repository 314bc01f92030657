"""How fast JETS speaks on two threads: our engine against ESPnet's own inference, in one run.

The network has the published full-size configuration and random weights, which cost the same.
Ours runs it in OpenVINO, ESPnet in torch; beside it the compact configuration of our own voice.
Its durations are set to five frames a token, a usual Korean pace. Rounds alternate, so that a
noisy machine slows both alike; the best round of each counts. Time is that of the processor,
divided by the threads.
"""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import torch
import yaml
from safetensors.torch import save_file

from media.networks.jets import JetsGenerator
from media.speak import jets_espnet
from media.speak.frontend import units
from media.speak.jets import JetsVoice
from media.speak.jets_tokens import tokens_of
from media.speak.kokoro import KokoroVoice
from media.train.distil_job import SHAPES, espnet_config
from media.train.lines import TOKENS
from media.types import Manner

ROUNDS, THREADS = 3, 2
TEXT = "기초연금은 만 예순다섯 살 이상이면 주민센터에 가서 신청하실 수 있어요."
JAMO = [
    *map(chr, range(0x1100, 0x1113)),
    *map(chr, range(0x1161, 0x1176)),
    *map(chr, range(0x11A8, 0x11C3)),
]


def write_model(folder: Path) -> torch.nn.Module:
    """Write the model into `folder` as training does; return ESPnet's own, as it loads it."""
    config = jets_espnet.espnet_defaults()
    tokens = ["<blank>", "<unk>", *JAMO, " ", ".", ",", "?", "<sos/eos>"]
    config |= {"tts": "jets", "tts_conf": {"sampling_rate": 22050}, "g2p": "korean_jaso"}
    config |= {"token_list": tokens, "normalize": None}
    config |= {"pitch_normalize": None, "energy_normalize": None}
    torch.manual_seed(1)
    model = jets_espnet.espnet_model(config)
    with torch.no_grad():
        last = model.tts.generator.duration_predictor.linear
        last.weight.zero_()
        last.bias.fill_(1.79)
    (folder / "config.yaml").write_text(yaml.safe_dump(config, allow_unicode=True))
    torch.save(model.state_dict(), folder / "model.pth")
    made: torch.nn.Module = model.tts.eval()
    return made


def compact_voice(folder: Path) -> JetsVoice:
    """Return a voice of the compact size in `folder`, with random weights."""
    shape = replace(SHAPES["compact"], tokens=len(TOKENS))
    network = JetsGenerator(shape)
    with torch.no_grad():
        network.duration_predictor.linear.weight.zero_()
        network.duration_predictor.linear.bias.fill_(1.95)
    text = json.dumps(espnet_config(shape, TOKENS), ensure_ascii=False)
    (folder / "config.yaml").write_text(text, encoding="utf-8")
    state = {f"tts.generator.{name}": value for name, value in network.state_dict().items()}
    save_file(state, folder / "model.safetensors")
    return JetsVoice(folder=str(folder), threads=THREADS)


def timed(call: Callable[[], object]) -> float:
    """Return the processor seconds a thread that `call` takes."""
    began = time.process_time()
    call()
    return (time.process_time() - began) / THREADS


def main() -> None:
    """Measure and print."""
    torch.set_num_threads(THREADS)
    with tempfile.TemporaryDirectory() as folder:
        theirs = write_model(Path(folder))
        voice = JetsVoice(folder=folder, threads=THREADS)
        load = timed(voice.warm_up)
        model = voice._loaded
        tokens = tokens_of(units(TEXT), "spelt", frozenset(model.tokens))
        ids = torch.tensor([model.tokens.index(token.text) for token in tokens])
        seconds = len(voice._render(tokens, Manner())[0]) / model.rate

        def published() -> object:
            with torch.no_grad():
                return theirs.inference(text=ids)

        published()
        ours, peer = [], []
        for _ in range(ROUNDS):
            ours.append(timed(lambda: voice._render(tokens, Manner())))
            peer.append(timed(published))
        whole = timed(lambda: voice.speak(TEXT))
    with tempfile.TemporaryDirectory() as folder:
        small = compact_voice(Path(folder))
        small.warm_up()
        short = tokens_of(units(TEXT), "phonemes", frozenset(TOKENS))
        length = len(small._render(short, Manner())[0]) / 24000
        compact = min(timed(lambda: small._render(short, Manner())) for _ in range(ROUNDS)) / length
    kokoro = KokoroVoice(threads=THREADS)
    kokoro.warm_up()
    said = kokoro.speak(TEXT).audio.seconds
    default = min(timed(lambda: kokoro.speak(TEXT)) for _ in range(ROUNDS)) / said
    size = sum(p.numel() for p in theirs.generator.parameters()) / 1e6
    print(f"parameters of the generator     {size:.1f} M")
    print(f"sound                           {seconds:.2f} s, {len(tokens)} tokens")
    print(f"ours, real-time factor          {min(ours) / seconds:.3f}")
    print(f"ESPnet's, real-time factor      {min(peer) / seconds:.3f}")
    print(f"ESPnet's over ours              {min(peer) / min(ours):.2f}")
    print(f"text to finished speech         {whole / seconds:.3f}")
    print(f"compact (11.7 M), {length:.1f} s          {compact:.3f}")
    print(f"Kokoro, text to speech, {said:.1f} s    {default:.3f}")
    print(f"loading and the first word      {load:.1f} s")


if __name__ == "__main__":
    main()
