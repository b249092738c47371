"""Export a checkpoint of score_sde_pytorch's NCSN++ with variance exploding noise (Song et al. 2021).

    python score_sde.py --config cifar10 --checkpoint checkpoint_24.pth --out ncsnpp.onnx
    python score_sde.py --config small32 --random --out random.onnx               # random weights of a fixed seed

The configurations are score_sde's configs/ve/*_ncsnpp_continuous.py; CelebA-HQ's are FFHQ's. The architecture is
written here anew, with the names of the published checkpoints, so that load_state_dict is strict: a checkpoint of
another configuration is refused with the names that differ. The weights are the moving averages, which score_sde
samples with, or with --last those of the last step. The network predicts the score of pictures in [0, 1].

Checked: random weights of score_sde's own classes, of every architecture, load strictly and give the same output, to
3e-6 of its largest value. No published checkpoint was loaded yet.
"""
import argparse
import math

import torch
from torch import nn

from rwt_export import add_options, export

# width, its multiples by resolution, blocks a resolution, downsampling factor with attention; with pyramids the
# picture, made smaller, is added to each resolution's features and the result is the sum of each resolution's picture;
# else the picture is carried through the encoder
CIFAR10 = dict(width=128, multiples=(1, 2, 2, 2), blocks=4, attention=2, pyramids=False)
LARGE256 = dict(width=128, multiples=(1, 1, 2, 2, 2, 2, 2), blocks=2, attention=16, pyramids=True)
LARGE1024 = dict(width=16, multiples=(1, 2, 4, 8, 16, 32, 32, 32), blocks=1, attention=64, pyramids=True)
SMALL = dict(width=32, multiples=(1, 2, 2), blocks=1)
# an architecture and the largest noise level
CONFIGS = {
    "cifar10": (CIFAR10, 50), "cifar10_deep": (CIFAR10 | dict(blocks=8), 50),
    "ffhq256": (LARGE256, 348), "bedroom256": (LARGE256, 378), "church256": (LARGE256, 380),
    "ffhq1024": (LARGE1024, 1348),
    "small32": (SMALL | dict(attention=2, pyramids=False), 50),
    "small64": (SMALL | dict(attention=4, pyramids=True), 50),
}
FREQUENCIES = "all_modules.0.W"


def normalisation(channels):
    return nn.GroupNorm(min(channels // 4, 32), channels, eps=1e-6)


def convolution(channels, out):
    return nn.Conv2d(channels, out, 3, padding=1)


def rescaled_sum(a, b):
    """The sum of two, of the variance of one."""
    return (a + b) / math.sqrt(2)


class Fourier(nn.Module):
    """Sines and cosines of the logarithm of the noise level at random frequencies."""

    def __init__(self, count):
        super().__init__()
        self.W = nn.Parameter(16 * torch.randn(count), requires_grad=False)

    def forward(self, sigma):
        angles = torch.log(sigma)[:, None] * self.W * 2 * math.pi
        return torch.cat([torch.sin(angles), torch.cos(angles)], 1)


class Resample(nn.Module):
    """The separable filter 1, 3, 3, 1: halves, doubles, or smooths (and makes one larger)."""

    def __init__(self, channels, resize):
        super().__init__()
        self.resize = resize
        taps = torch.tensor([1.0, 3.0, 3.0, 1.0]) / (4 if resize == "up" else 8)
        self.register_buffer("filter", torch.outer(taps, taps).repeat(channels, 1, 1, 1), persistent=False)

    def forward(self, x):
        if self.resize == "up":
            return nn.functional.conv_transpose2d(x, self.filter, stride=2, padding=1, groups=len(self.filter))
        stride, padding = (2, 1) if self.resize == "down" else (1, 2)
        return nn.functional.conv2d(x, self.filter, stride=stride, padding=padding, groups=len(self.filter))


class Residual(nn.Module):
    """A residual block that is told the noise level; it may halve or double the size."""

    def __init__(self, channels, embedding, out, resize=None):
        super().__init__()
        self.resized = Resample(channels, resize) if resize else nn.Identity()
        self.GroupNorm_0 = normalisation(channels)
        self.Conv_0 = convolution(channels, out)
        self.Dense_0 = nn.Linear(embedding, out)
        self.GroupNorm_1 = normalisation(out)
        self.Conv_1 = convolution(out, out)
        self.Conv_2 = nn.Conv2d(channels, out, 1) if channels != out or resize else nn.Identity()

    def forward(self, x, level):
        silu = nn.functional.silu
        h = self.Conv_0(self.resized(silu(self.GroupNorm_0(x)))) + self.Dense_0(level)[:, :, None, None]
        return rescaled_sum(self.Conv_2(self.resized(x)), self.Conv_1(silu(self.GroupNorm_1(h))))


class Mix(nn.Module):
    """A linear map of the channels, of x [n, channels, pixels]."""

    def __init__(self, channels):
        super().__init__()
        self.W = nn.Parameter(torch.randn(channels, channels) / math.sqrt(channels))
        self.b = nn.Parameter(0.1 * torch.randn(channels))

    def forward(self, x):
        return self.W.t() @ x + self.b[:, None]


class Attention(nn.Module):
    """Attention over all pixels, of one head."""

    def __init__(self, channels):
        super().__init__()
        self.GroupNorm_0 = normalisation(channels)
        self.NIN_0, self.NIN_1, self.NIN_2, self.NIN_3 = (Mix(channels) for _ in range(4))

    def forward(self, x):
        flat = self.GroupNorm_0(x).flatten(2)
        q, k, v = self.NIN_0(flat), self.NIN_1(flat), self.NIN_2(flat)
        weights = torch.softmax(q.transpose(1, 2) @ k / math.sqrt(len(self.NIN_0.b)), -1)
        return rescaled_sum(x, self.NIN_3(v @ weights.transpose(1, 2)).reshape(x.shape))


class Shrink(nn.Module):
    """Smooths, then convolves at half the size."""

    def __init__(self, channels, out):
        super().__init__()
        self.smooth = Resample(channels, "smooth")
        self.Conv2d_0 = nn.Conv2d(channels, out, 3, stride=2)

    def forward(self, x):
        return self.Conv2d_0(self.smooth(x))


class Combine(nn.Module):
    """Adds a picture to features."""

    def __init__(self, channels, out):
        super().__init__()
        self.Conv = nn.Conv2d(channels, out, 1)

    def forward(self, picture, x):
        return self.Conv(picture) + x


class NCSNpp(nn.Module):
    def __init__(self, width, multiples, blocks, attention, pyramids, channels=3):
        super().__init__()
        self.levels, self.blocks, self.pyramids = len(multiples), blocks, pyramids
        self.attention = attention.bit_length() - 1  # the resolution that has it
        embedding, current, carried, sizes = 4 * width, width, channels, [width]
        layers = [Fourier(width), nn.Linear(2 * width, embedding), nn.Linear(embedding, embedding)]
        layers.append(convolution(channels, width))
        for index, multiple in enumerate(multiples):
            for _ in range(blocks):
                layers.append(Residual(current, embedding, multiple * width))
                current = multiple * width
                layers += [Attention(current)] if index == self.attention else []
                sizes.append(current)
            if index + 1 < len(multiples):
                layers.append(Residual(current, embedding, current, "down"))
                sizes.append(current)
                if pyramids:
                    layers += [Resample(channels, "down"), Combine(channels, current)]
                else:
                    layers.append(Shrink(carried, current))
                    carried = current
        layers += [Residual(current, embedding, current), Attention(current), Residual(current, embedding, current)]
        for index, multiple in reversed(list(enumerate(multiples))):
            for _ in range(blocks + 1):
                layers.append(Residual(current + sizes.pop(), embedding, multiple * width))
                current = multiple * width
            layers += [Attention(current)] if index == self.attention else []
            if pyramids and index + 1 < len(multiples):
                layers.append(Resample(channels, "up"))
            if pyramids or index == 0:
                layers += [normalisation(current), convolution(current, channels)]
            if index > 0:
                layers.append(Residual(current, embedding, current, "up"))
        self.all_modules = nn.ModuleList(layers)

    def forward(self, x, sigma):
        silu = nn.functional.silu
        layers = iter(self.all_modules)
        fourier, first, second, entry = (next(layers) for _ in range(4))
        level = silu(second(silu(first(fourier(sigma)))))
        picture = 2 * x - 1
        x = entry(picture)
        kept = [x]
        for index in range(self.levels):
            for _ in range(self.blocks):
                x = next(layers)(x, level)
                x = next(layers)(x) if index == self.attention else x
                kept.append(x)
            if index + 1 < self.levels:
                x = next(layers)(x, level)
                picture = next(layers)(picture)
                if self.pyramids:
                    x = next(layers)(picture, x)
                else:
                    x = picture = rescaled_sum(picture, x)
                kept.append(x)
        x = next(layers)(x, level)
        x = next(layers)(x)
        x = next(layers)(x, level)
        result = None
        for index in reversed(range(self.levels)):
            for _ in range(self.blocks + 1):
                x = next(layers)(torch.cat([x, kept.pop()], 1), level)
            x = next(layers)(x) if index == self.attention else x
            if result is not None:
                result = next(layers)(result)
            if self.pyramids or index == 0:
                norm, last = next(layers), next(layers)
                part = last(silu(norm(x)))
                result = part if result is None else result + part
            if index > 0:
                x = next(layers)(x, level)
        return result / sigma[:, None, None, None]


def weights(checkpoint, last=False):
    """The state dict of a checkpoint: the moving averages, listed as the trained parameters are, or the last step's."""
    loaded = torch.load(checkpoint, map_location="cpu", weights_only=True)
    state = {name.removeprefix("module."): value for name, value in loaded["model"].items()}
    state.pop("sigmas", None)  # a table for networks that are told an index
    if not last:
        trained, averages = [name for name in state if name != FREQUENCIES], loaded["ema"]["shadow_params"]
        if len(trained) != len(averages):
            raise SystemExit(f"{checkpoint}: expected {len(trained)} moving averages, found {len(averages)}")
        state.update(zip(trained, averages))
    return state


def network(config, checkpoint=None, last=False):
    """The network of a configuration, with the checkpoint's weights, or random ones of a fixed seed."""
    torch.manual_seed(0)
    built = NCSNpp(**CONFIGS[config][0])
    if checkpoint:
        built.load_state_dict(weights(checkpoint, last))
    return built


def metadata(config, o):
    architecture, sigma_max = CONFIGS[config]
    return {
        "name": o.name, "licence": o.licence, "source": o.source, "prediction": "score", "process": "ve",
        "time": "sigma", "sigma_min": 0.01, "sigma_max": sigma_max, "channels": 3, "range": "0,1", "mean": o.mean,
        "variance": o.variance, "multiple": 2 ** (len(architecture["multiples"]) - 1), "margin": 0,
    }


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--config", choices=CONFIGS, required=True)
    source = options.add_mutually_exclusive_group(required=True)
    source.add_argument("--checkpoint", help="the published .pth file")
    source.add_argument("--random", action="store_true", help="random weights of a fixed seed")
    options.add_argument("--last", action="store_true", help="the last step's weights, not their moving averages")
    add_options(options, "ncsnpp")
    options.set_defaults(mean=0.5, variance=0.0625)
    o = options.parse_args()
    export(network(o.config, o.checkpoint, o.last), o.out, metadata(o.config, o))


if __name__ == "__main__":
    main()
