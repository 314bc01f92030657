"""The Wav2Lip generator with its hidden channels brought nearer to one range, for int8.

A layer's values share one scale in int8, so a channel of small values keeps few steps. A positive
factor passes through ReLU, so a channel may be divided by one and the weights that read it
multiplied: the picture stays the same (Nagel et al. 2019, arXiv 1906.04721). All layers that add
to one another share their channels' factors.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.utils import fuse_conv_bn_eval

from media.networks.wav2lip import Conv, Generator, Upsample
from media.types import FloatArray

_POWER = 0.3
"""How far ranges are evened out: 1 makes them equal, and the weights that read them uneven."""
_SMALLEST = 1e-3
"""Of the largest in a layer; channels below it count as this, else the factors of dead channels
would have no bound."""
_LARGEST = 64.0


@dataclass(slots=True)
class _Layer:
    """A convolution, the streams of channels that it reads (none for an input's), and writes."""

    module: nn.Module
    reads: Sequence[str]
    writes: str

    @property
    def convolution(self) -> nn.Conv2d | nn.ConvTranspose2d:
        whole = isinstance(self.module, Conv | Upsample)
        return self.module.conv_block[0] if whole else self.module  # type: ignore

    @property
    def weight(self) -> Tensor:
        """The weight as (out, in, h, w), a view."""
        weight = self.convolution.weight.data
        turned = isinstance(self.convolution, nn.ConvTranspose2d)
        return weight.transpose(0, 1) if turned else weight


def equalised(network: Generator, examples: Iterable[tuple[FloatArray, FloatArray]]) -> Generator:
    """Return a copy of `network` that draws the same with evener channels, without batch norm.

    `examples` are batches of windows (n, 1, 80, 16) and faces (n, 6, 96, 96), by which the ranges
    are measured. The outputs of its `encode_face` fit its own `decode` only.
    """
    made = _folded(network)
    layers = _layers(made)
    ranges = _ranges(made, layers, examples)
    factors = {
        name: _even(largest, _reach(name, layers, ranges)) for name, largest in ranges.items()
    }
    for layer in layers:
        if layer.reads:
            read = torch.cat([factors[name] for name in layer.reads])
            layer.weight.mul_(read[None, :, None, None])
        if layer.writes in factors:
            layer.weight.div_(factors[layer.writes][:, None, None, None])
            assert layer.convolution.bias is not None
            layer.convolution.bias.data.div_(factors[layer.writes])
    return made


def _folded(network: Generator) -> Generator:
    """Return a copy in evaluation mode whose batch norms are folded into their convolutions."""
    made = copy.deepcopy(network).eval()
    for module in made.modules():
        if isinstance(module, Conv | Upsample):
            convolution, norm = module.conv_block
            turned = isinstance(convolution, nn.ConvTranspose2d)
            module.conv_block = nn.Sequential(
                fuse_conv_bn_eval(convolution, norm, turned)  # type: ignore[arg-type, type-var]
            )
    return made


def _layers(network: Generator) -> list[_Layer]:
    """Return the layers of `network` and which channels meet in them."""
    found: list[_Layer] = []

    def walk(block: Iterable[nn.Module], reads: Sequence[str], name: str) -> str:
        for number, module in enumerate(block):
            stays = getattr(module, "residual", False)
            writes = reads[0] if stays else f"{name}.{number}"
            found.append(_Layer(module, reads, writes))
            reads = [writes]
        return reads[0]

    encoded: list[str] = []
    for number, block in enumerate(network.face_encoder_blocks):
        encoded.append(walk(block, encoded[-1:], f"encoder {number}"))  # type: ignore[arg-type]
    reads = [walk(network.audio_encoder, [], "audio")]
    for number, (block, skip) in enumerate(
        zip(network.face_decoder_blocks, reversed(encoded), strict=True)
    ):
        reads = [walk(block, reads, f"decoder {number}"), skip]  # type: ignore[arg-type]
    walk(list(network.output_block)[:2], reads, "output")
    return found


def _ranges(
    network: Generator,
    layers: Sequence[_Layer],
    examples: Iterable[tuple[FloatArray, FloatArray]],
) -> dict[str, Tensor]:
    """Return the largest value of each channel of the streams, the picture's own left out."""
    found: dict[str, Tensor] = {}

    def watch(name: str) -> None:
        def see(module: nn.Module, given: object, out: Tensor) -> None:
            most = out.amax((0, 2, 3))
            found[name] = torch.maximum(found[name], most) if name in found else most

        hooks.append(layer.module.register_forward_hook(see))

    hooks: list[torch.utils.hooks.RemovableHandle] = []
    for layer in layers[:-1]:
        watch(layer.writes)
    with torch.inference_mode():
        for windows, faces in examples:
            network(torch.from_numpy(windows), torch.from_numpy(faces))
    for hook in hooks:
        hook.remove()
    return {name: most.clone() for name, most in found.items()}


def _reach(name: str, layers: Sequence[_Layer], ranges: dict[str, Tensor]) -> Tensor:
    """Return, for each channel of a stream, its largest share of a row of weights that reads it."""
    most = torch.zeros_like(ranges[name])
    for layer in layers:
        if name not in layer.reads:
            continue
        size = layer.weight.abs().amax((2, 3))
        share = (size / size.amax(1, keepdim=True).clamp_min(1e-12)).amax(0)
        begin = 0
        for read in layer.reads:
            count = len(ranges[read])
            if read == name:
                most = torch.maximum(most, share[begin : begin + count])
            begin += count
    return most


def _even(largest: Tensor, reach: Tensor) -> Tensor:
    """Return the factors of a stream's channels; their geometric mean is about 1."""
    largest = largest.clamp_min(float(largest.max()) * _SMALLEST).clamp_min(1e-12)
    factors = (largest / reach.clamp_min(_SMALLEST)) ** _POWER
    factors = factors / factors.log().mean().exp()
    return factors.clamp(1 / _LARGEST, _LARGEST)
