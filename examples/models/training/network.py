"""The denoiser D(x, sigma): a small residual UNet without normalisation, inside the preconditioning of Karras et al. 2022.

x is (n, 3, height, width) in [-1, 1] plus noise of standard deviation sigma, (n,); height and width are multiples of 16.
"""
import math

import torch
from torch import nn

SIGMA_DATA = 0.5
WIDTHS = (48, 64, 96, 96)  # channels at 1/2, 1/4, 1/8 and 1/16 of the resolution
BLOCKS = 2  # residual blocks at each resolution, on the way down and on the way up
EMBEDDING = 128


class Block(nn.Module):
    """x + conv(relu(scale · conv(x) + shift)), scale and shift given by the noise level."""

    def __init__(self, channels):
        super().__init__()
        self.first = nn.Conv2d(channels, channels, 3, padding=1)
        self.second = nn.Conv2d(channels, channels, 3, padding=1)
        self.scale = nn.Linear(EMBEDDING, channels)
        self.shift = nn.Linear(EMBEDDING, channels)
        nn.init.zeros_(self.scale.weight)
        nn.init.zeros_(self.shift.weight)
        nn.init.zeros_(self.scale.bias)
        nn.init.zeros_(self.shift.bias)
        with torch.no_grad():
            self.second.weight.mul_(0.3)

    def forward(self, x, level):
        h = self.first(x) * (1 + self.scale(level)[:, :, None, None]) + self.shift(level)[:, :, None, None]
        return x + self.second(torch.relu(h))


class Network(nn.Module):
    """The raw network F(c_in x, ln(sigma)/4)."""

    def __init__(self):
        super().__init__()
        frequencies = torch.exp(torch.linspace(math.log(0.5), math.log(8), 8))
        self.register_buffer("frequencies", frequencies)
        self.embed = nn.Sequential(nn.Linear(17, EMBEDDING), nn.ReLU(), nn.Linear(EMBEDDING, EMBEDDING), nn.ReLU())
        steps = list(zip(WIDTHS[:-1], WIDTHS[1:]))
        self.stem = nn.Conv2d(3, WIDTHS[0], 4, stride=2, padding=1)
        self.head = nn.ConvTranspose2d(WIDTHS[0], 3, 4, stride=2, padding=1)
        self.down = nn.ModuleList(nn.Conv2d(a, b, 2, stride=2) for a, b in steps)
        self.up = nn.ModuleList(nn.ConvTranspose2d(b, a, 2, stride=2) for a, b in steps)
        self.encode = nn.ModuleList(nn.ModuleList(Block(c) for _ in range(BLOCKS)) for c in WIDTHS)
        self.decode = nn.ModuleList(nn.ModuleList(Block(c) for _ in range(BLOCKS)) for c in WIDTHS[:-1])
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)

    def forward(self, x, noise):
        angles = noise[:, None] * self.frequencies[None, :]
        level = self.embed(torch.cat([noise[:, None], torch.sin(angles), torch.cos(angles)], 1))
        x = self.stem(x)
        skips = []
        for i, blocks in enumerate(self.encode):
            for block in blocks:
                x = block(x, level)
            if i < len(self.down):
                skips.append(x)
                x = self.down[i](x)
        for i in reversed(range(len(self.up))):
            x = skips[i] + self.up[i](x)
            for block in self.decode[i]:
                x = block(x, level)
        return self.head(x)


def scalings(sigma):
    """c_skip, c_out, c_in and c_noise of Karras et al. 2022, table 1."""
    total = sigma**2 + SIGMA_DATA**2
    return SIGMA_DATA**2 / total, sigma * SIGMA_DATA / total.sqrt(), 1 / total.sqrt(), sigma.log() / 4


class Denoiser(nn.Module):
    """D(x, sigma) = c_skip x + c_out F(c_in x, c_noise)."""

    def __init__(self, network):
        super().__init__()
        self.network = network

    def forward(self, x, sigma):
        skip, out, scale, noise = scalings(sigma)
        wide = lambda v: v[:, None, None, None]
        return wide(skip) * x + wide(out) * self.network(wide(scale) * x, noise)
