"""Export a checkpoint of NVlabs' EDM without classes (Karras et al. 2022), trained with their preconditioning.

    python edm.py --config cifar10-ddpmpp --checkpoint edm.pt --out edm.onnx
    python edm.py --config small32 --random --out random.onnx                     # random weights of a fixed seed

The published .pkl files hold Python code, which runs when they are read. So let your own checkout of NVlabs/edm read
one, in its root, once:

    python -c "import pickle, torch; torch.save(
        pickle.load(open('edm-cifar10-32x32-uncond-vp.pkl', 'rb'))['ema'].state_dict(), 'edm.pt')"

Names with -vp are ddpmpp, with -ve ncsnpp; AFHQv2's have FFHQ's configurations. The architecture is written here anew,
with the names of the published checkpoints, so that load_state_dict is strict: a checkpoint of another configuration is
refused with the names that differ. The file holds the raw network F, rwt applies the preconditioning.

Checked: random weights of NVlabs' own classes, of every configuration, load strictly and give the same output, to 1e-6
of its largest value. No published checkpoint was loaded yet.
"""
import argparse
import math

import torch
from torch import nn

from rwt_export import add_options, export

# positional embedding of the noise level, averages of two pixels; or random frequencies, a filter of four pixels, and
# the picture carried through the encoder
DDPMPP = dict(fourier=False, taps=(1, 1), carry=False)
NCSNPP = dict(fourier=True, taps=(1, 3, 3, 1), carry=True)
# resolution, width, its multiples by resolution, blocks a resolution, downsampling factor with attention
CIFAR10 = dict(side=32, width=128, multiples=(2, 2, 2), blocks=4, attention=2)
FFHQ64 = dict(side=64, width=128, multiples=(1, 2, 2, 2), blocks=4, attention=4)
SMALL32 = dict(side=32, width=32, multiples=(1, 2, 2), blocks=1, attention=2)
CONFIGS = {
    "cifar10-ddpmpp": CIFAR10 | DDPMPP, "cifar10-ncsnpp": CIFAR10 | NCSNPP,
    "ffhq64-ddpmpp": FFHQ64 | DDPMPP, "ffhq64-ncsnpp": FFHQ64 | NCSNPP,
    "small32": SMALL32 | NCSNPP, "small32-ddpmpp": SMALL32 | DDPMPP,
}
AUGMENTATIONS = 9


def normalisation(channels):
    return nn.GroupNorm(min(channels // 4, 32), channels, eps=1e-6)


class Positional(nn.Module):
    """Sines and cosines at fixed frequencies."""

    def __init__(self, count):
        super().__init__()
        frequencies = 10000.0 ** (-torch.arange(count // 2) / (count // 2 - 1))
        self.register_buffer("frequencies", frequencies, persistent=False)

    def forward(self, noise):
        angles = noise[:, None] * self.frequencies
        return torch.cat([torch.sin(angles), torch.cos(angles)], 1)


class Fourier(nn.Module):
    """Sines and cosines at random frequencies."""

    def __init__(self, count):
        super().__init__()
        self.register_buffer("freqs", 16 * torch.randn(count // 2))

    def forward(self, noise):
        angles = noise[:, None] * (2 * math.pi * self.freqs)
        return torch.cat([torch.sin(angles), torch.cos(angles)], 1)


class Convolution(nn.Conv2d):
    """A convolution, maybe after a separable filter that halves or doubles the size, or smooths before it halves."""

    def __init__(self, channels, out, side, resize=None, taps=()):
        super().__init__(channels, out, side, padding=side // 2)
        self.resize, self.border = resize, (len(taps) - 1) // 2
        if resize:
            taps = torch.tensor(taps, dtype=torch.float32) / sum(taps)
            self.register_buffer("resample_filter", torch.outer(taps, taps)[None, None])

    def forward(self, x):
        if not self.resize:
            return super().forward(x)
        channels, border = self.in_channels, self.border
        filters = self.resample_filter.repeat(channels, 1, 1, 1)
        if self.resize == "smooth":
            x = nn.functional.conv2d(x, filters, padding=border + self.padding[0], groups=channels)
            return nn.functional.conv2d(x, self.weight, self.bias, stride=2)
        if self.resize == "up":
            x = nn.functional.conv_transpose2d(x, 4 * filters, stride=2, padding=border, groups=channels)
        else:
            x = nn.functional.conv2d(x, filters, stride=2, padding=border, groups=channels)
        return super().forward(x)


class Block(nn.Module):
    """A residual block that is told the noise level; it may halve or double the size, and end in attention."""

    def __init__(self, channels, embedding, out, taps, resize=None, attention=False):
        super().__init__()
        self.norm0 = normalisation(channels)
        self.conv0 = Convolution(channels, out, 3, resize, taps)
        self.affine = nn.Linear(embedding, out)
        self.norm1 = normalisation(out)
        self.conv1 = Convolution(out, out, 3)
        self.skip = Convolution(channels, out, 1, resize, taps) if channels != out or resize else nn.Identity()
        self.attention = attention
        if attention:
            self.norm2 = normalisation(out)
            self.qkv = Convolution(out, 3 * out, 1)
            self.proj = Convolution(out, out, 1)

    def forward(self, x, level):
        silu = nn.functional.silu
        h = self.conv0(silu(self.norm0(x))) + self.affine(level)[:, :, None, None]
        x = (self.skip(x) + self.conv1(silu(self.norm1(h)))) / math.sqrt(2)
        return (x + self.proj(self.attended(x))) / math.sqrt(2) if self.attention else x

    def attended(self, x):
        """Of one head over all pixels; queries, keys and values alternate within the channels."""
        n, channels, height, width = x.shape
        q, k, v = self.qkv(self.norm2(x)).reshape(n, channels, 3, -1).unbind(2)
        weights = torch.softmax(q.transpose(1, 2) @ k / math.sqrt(self.proj.in_channels), -1)
        return (v @ weights.transpose(1, 2)).reshape(n, channels, height, width)


class UNet(nn.Module):
    def __init__(self, side, width, multiples, blocks, attention, fourier, taps, carry, channels=3):
        super().__init__()
        noise, embedding = width * (2 if fourier else 1), 4 * width
        self.map_noise = Fourier(noise) if fourier else Positional(noise)
        self.map_augment = nn.Linear(AUGMENTATIONS, noise, bias=False)  # for training only
        self.map_layer0 = nn.Linear(noise, embedding)
        self.map_layer1 = nn.Linear(embedding, embedding)
        self.enc = nn.ModuleDict({f"{side}x{side}_conv": Convolution(channels, width, 3)})
        current, picture, sizes = width, channels, [width]
        for index, multiple in enumerate(multiples):
            name = f"{side >> index}x{side >> index}"
            if index > 0:
                self.enc[f"{name}_down"] = Block(current, embedding, current, taps, "down")
                sizes.append(current)
                if carry:
                    self.enc[f"{name}_aux_residual"] = Convolution(picture, current, 3, "smooth", taps)
                    picture = current
            for number in range(blocks):
                out = multiple * width
                self.enc[f"{name}_block{number}"] = Block(current, embedding, out, taps, None, attention == 2 ** index)
                current = out
                sizes.append(current)
        self.dec = nn.ModuleDict()
        for index, multiple in reversed(list(enumerate(multiples))):
            name = f"{side >> index}x{side >> index}"
            if index + 1 == len(multiples):
                self.dec[f"{name}_in0"] = Block(current, embedding, current, taps, attention=True)
                self.dec[f"{name}_in1"] = Block(current, embedding, current, taps)
            else:
                self.dec[f"{name}_up"] = Block(current, embedding, current, taps, "up")
            for number in range(blocks + 1):
                out, attends = multiple * width, attention == 2 ** index and number == blocks
                self.dec[f"{name}_block{number}"] = Block(current + sizes.pop(), embedding, out, taps, None, attends)
                current = out
        self.dec[f"{side}x{side}_aux_norm"] = normalisation(current)
        self.dec[f"{side}x{side}_aux_conv"] = Convolution(current, channels, 3)

    def forward(self, x, noise):
        silu = nn.functional.silu
        level = silu(self.map_layer1(silu(self.map_layer0(self.map_noise(noise)))))
        kept, picture = [], x
        for name, layer in self.enc.items():
            if name.endswith("_aux_residual"):
                x = picture = (kept.pop() + layer(picture)) / math.sqrt(2)
            else:
                x = layer(x, level) if isinstance(layer, Block) else layer(x)
            kept.append(x)
        *decoder, (_, norm), (_, last) = self.dec.items()
        for name, layer in decoder:
            x = layer(torch.cat([x, kept.pop()], 1) if "_block" in name else x, level)
        return last(silu(norm(x)))


class Preconditioned(nn.Module):
    """What the checkpoints call the network: model."""

    def __init__(self, **config):
        super().__init__()
        self.model = UNet(**config)

    def forward(self, x, noise):
        return self.model(x, noise)


def network(config, checkpoint=None):
    """The network of a configuration, with the checkpoint's weights, or random ones of a fixed seed."""
    torch.manual_seed(0)
    built = Preconditioned(**CONFIGS[config])
    if checkpoint:
        built.load_state_dict(torch.load(checkpoint, map_location="cpu", weights_only=True))
    return built


def metadata(config, o):
    return {
        "name": o.name, "licence": o.licence, "source": o.source, "prediction": "edm", "process": "edm",
        "sigma_data": 0.5, "time": "quarter_log_sigma", "sigma_min": 0.002, "sigma_max": 80, "channels": 3,
        "range": "-1,1", "mean": o.mean, "variance": o.variance,
        "multiple": 2 ** (len(CONFIGS[config]["multiples"]) - 1), "margin": 0,
    }


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--config", choices=CONFIGS, required=True)
    weights = options.add_mutually_exclusive_group(required=True)
    weights.add_argument("--checkpoint", help="a state dict, saved as above")
    weights.add_argument("--random", action="store_true", help="random weights of a fixed seed")
    add_options(options, "edm")
    o = options.parse_args()
    export(network(o.config, o.checkpoint), o.out, metadata(o.config, o))


if __name__ == "__main__":
    main()
