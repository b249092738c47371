"""Export a checkpoint of OpenAI's guided-diffusion, such as the FFHQ network of DPS (Chung et al. 2023).

    python guided_diffusion.py --config ffhq256 --checkpoint ffhq_10m.pt --out ffhq.onnx
    python guided_diffusion.py --config small64 --random --out random.onnx        # random weights of a fixed seed

The architecture is written here anew, with the names of the published checkpoints, so that load_state_dict is strict:
a checkpoint of another configuration is refused with the names that differ. Without classes; the network predicts the
noise, and with learned variances (twice the channels) rwt uses the first half.
"""
import argparse
import math

import torch
from torch import nn

from rwt_export import add_options, export

# width, its multiples by resolution, blocks a resolution, downsampling factors with attention, channels of a head
CONFIGS = {
    "ffhq256": dict(width=128, multiples=(1, 1, 2, 2, 4, 4), blocks=1, attention=(16,), head=64),
    "imagenet256": dict(width=256, multiples=(1, 1, 2, 2, 4, 4), blocks=2, attention=(8, 16, 32), head=64),
    "small64": dict(width=32, multiples=(1, 2, 2), blocks=1, attention=(4,), head=32),
}


def normalisation(channels):
    return nn.GroupNorm(32, channels)


class Residual(nn.Module):
    """A residual block whose second normalisation is scaled and shifted by the time; it may halve or double the size."""

    def __init__(self, channels, embedding, out, resize=None):
        super().__init__()
        self.resize = resize
        self.in_layers = nn.Sequential(normalisation(channels), nn.SiLU(), nn.Conv2d(channels, out, 3, padding=1))
        self.emb_layers = nn.Sequential(nn.SiLU(), nn.Linear(embedding, 2 * out))
        self.out_layers = nn.Sequential(normalisation(out), nn.SiLU(), nn.Dropout(0.0), nn.Conv2d(out, out, 3, padding=1))
        self.skip_connection = nn.Identity() if channels == out else nn.Conv2d(channels, out, 1)

    def resized(self, x):
        if self.resize == "down":
            return nn.functional.avg_pool2d(x, 2)
        return nn.functional.interpolate(x, scale_factor=2, mode="nearest") if self.resize == "up" else x

    def forward(self, x, level):
        h = self.in_layers[2](self.resized(self.in_layers[1](self.in_layers[0](x))))
        scale, shift = self.emb_layers(level)[:, :, None, None].chunk(2, 1)
        h = self.out_layers[0](h) * (1 + scale) + shift
        return self.skip_connection(self.resized(x)) + self.out_layers[3](self.out_layers[1](h))


class Attention(nn.Module):
    """Attention over all pixels; queries, keys and values lie side by side within each head."""

    def __init__(self, channels, head):
        super().__init__()
        self.heads = channels // head
        self.norm = normalisation(channels)
        self.qkv = nn.Conv1d(channels, 3 * channels, 1)
        self.proj_out = nn.Conv1d(channels, channels, 1)

    def forward(self, x, _):
        n, channels, height, width = x.shape
        flat = x.reshape(n, channels, -1)
        qkv = self.qkv(self.norm(flat)).reshape(n * self.heads, 3 * channels // self.heads, -1)
        q, k, v = qkv.chunk(3, 1)
        scale = (channels // self.heads) ** -0.25
        weights = torch.softmax((q * scale).transpose(1, 2) @ (k * scale), -1)
        attended = (v @ weights.transpose(1, 2)).reshape(n, channels, -1)
        return x + self.proj_out(attended).reshape(n, channels, height, width)


class Stage(nn.ModuleList):
    """Layers one after another; those that are told the time are residual blocks and attention."""

    def forward(self, x, level):
        for layer in self:
            x = layer(x) if isinstance(layer, nn.Conv2d) else layer(x, level)
        return x


class GuidedDiffusion(nn.Module):
    def __init__(self, width, multiples, blocks, attention, head, channels=3, outputs=6):
        super().__init__()
        self.width, embedding = width, 4 * width
        self.time_embed = nn.Sequential(nn.Linear(width, embedding), nn.SiLU(), nn.Linear(embedding, embedding))
        current, factor = multiples[0] * width, 1
        self.input_blocks = nn.ModuleList([Stage([nn.Conv2d(channels, current, 3, padding=1)])])
        sizes = [current]
        for index, multiple in enumerate(multiples):
            for _ in range(blocks):
                layers = [Residual(current, embedding, multiple * width)]
                current = multiple * width
                if factor in attention:
                    layers.append(Attention(current, head))
                self.input_blocks.append(Stage(layers))
                sizes.append(current)
            if index + 1 < len(multiples):
                self.input_blocks.append(Stage([Residual(current, embedding, current, "down")]))
                sizes.append(current)
                factor *= 2
        block = lambda: Residual(current, embedding, current)
        self.middle_block = Stage([block(), Attention(current, head), block()])
        self.output_blocks = nn.ModuleList()
        for index, multiple in reversed(list(enumerate(multiples))):
            for number in range(blocks + 1):
                layers = [Residual(current + sizes.pop(), embedding, multiple * width)]
                current = multiple * width
                if factor in attention:
                    layers.append(Attention(current, head))
                if index > 0 and number == blocks:
                    layers.append(Residual(current, embedding, current, "up"))
                    factor //= 2
                self.output_blocks.append(Stage(layers))
        self.out = nn.Sequential(normalisation(current), nn.SiLU(), nn.Conv2d(current, outputs, 3, padding=1))

    def forward(self, x, t):
        half = self.width // 2
        frequencies = torch.exp(-math.log(10000) * torch.arange(half, dtype=torch.float32) / half)
        angles = t[:, None].float() * frequencies[None]
        level = self.time_embed(torch.cat([torch.cos(angles), torch.sin(angles)], 1))
        kept = []
        for stage in self.input_blocks:
            x = stage(x, level)
            kept.append(x)
        x = self.middle_block(x, level)
        for stage in self.output_blocks:
            x = stage(torch.cat([x, kept.pop()], 1), level)
        return self.out(x)


def network(config, checkpoint=None):
    """The network of a configuration, with the checkpoint's weights, or random ones of a fixed seed."""
    torch.manual_seed(0)
    built = GuidedDiffusion(**CONFIGS[config])
    if checkpoint:
        built.load_state_dict(torch.load(checkpoint, map_location="cpu", weights_only=True))
    return built


def metadata(config, o):
    return {
        "name": o.name, "licence": o.licence, "source": o.source, "prediction": "noise", "process": "vp", "time": "index",
        "table": "linear 0.0001 0.02 1000", "learned_variance": "yes", "channels": 3, "range": "-1,1", "mean": o.mean,
        "variance": o.variance, "multiple": 2 ** (len(CONFIGS[config]["multiples"]) - 1), "margin": 0,
    }


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--config", choices=CONFIGS, required=True)
    weights = options.add_mutually_exclusive_group(required=True)
    weights.add_argument("--checkpoint", help="the published .pt file")
    weights.add_argument("--random", action="store_true", help="random weights of a fixed seed")
    add_options(options, "guided-diffusion")
    o = options.parse_args()
    export(network(o.config, o.checkpoint), o.out, metadata(o.config, o))


if __name__ == "__main__":
    main()
