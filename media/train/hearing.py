"""A first idea of what speech does to lips, for the generator to begin with.

Nothing in a picture's L1 tells the generator soon that the sound matters: it copies the reference
first and is nearly right. So its audio encoder is taught beforehand, and on the side as long as
it draws, to tell the lips' landmarks, which costs a hundredth of drawing them.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from media.train.run import learning_rate
from media.train.talk import SPAN, Talk, varied_windows

BATCH = 128
RATE = 2e-3


class Hearing:
    """Tells the lips of SPAN frames from what an audio encoder says of their mel window.

    `head` maps the encoder's output to landmarks (SPAN × 40), in their standard deviations.
    """

    def __init__(self, talk: Talk, channels: int) -> None:
        self.talk = talk
        self.head = nn.Linear(channels, SPAN * talk.shapes.shape[1]).to(talk.device)
        self.mean = talk.shapes.mean(0)
        self.spread = talk.shapes.std().clamp(min=1e-6)

    @property
    def possible(self) -> bool:
        """Whether the sentences have landmarks to learn from."""
        return bool(self.talk.shapes.any())

    def error(self, code: Tensor, sentence: Tensor, frame: Tensor) -> Tensor:
        """Return the mean squared error of the lips told by `code` (n, c, 1, 1), in variances."""
        at = (self.talk.first[sentence] + frame)[:, None] + torch.arange(
            SPAN, device=self.talk.device
        )
        lips = (self.talk.shapes[at] - self.mean) / self.spread
        lost: Tensor = (self.head(code.flatten(1)) - lips.flatten(1)).square().mean()
        return lost

    def teach(self, encoder: nn.Module, steps: int) -> float:
        """Teach `encoder` for `steps` and return the share of the variance that it explains."""
        talk = self.talk
        weights = [*encoder.parameters(), *self.head.parameters()]
        optimiser = torch.optim.AdamW(weights, lr=RATE, weight_decay=1e-2, fused=True)
        encoder.train()
        lost = torch.ones((), device=talk.device)
        for step in range(steps):
            for group in optimiser.param_groups:
                group["lr"] = learning_rate(RATE, step / steps)
            sentence = torch.randint(len(talk), (BATCH,), device=talk.device)
            spans = talk.count[sentence] - SPAN + 1
            frame = (torch.rand(BATCH, device=talk.device) * spans).long()
            windows = varied_windows(talk.windows(sentence, frame))
            loss = self.error(encoder(windows), sentence, frame)
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            optimiser.step()
            lost = torch.lerp(lost, loss.detach(), 0.05)
        variance = ((talk.shapes - self.mean) / self.spread).square().mean()
        return float(1 - lost / variance)
