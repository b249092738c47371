"""The firmware's denoiser D(x, sigma) for grey pictures of 32 x 32, in PyTorch: convolutions on the 16 x 16 blocks of 2 x 2.

D = c_skip x + c_out F(c_in x, sigma), Karras et al. 2022, table 1. Each convolution is followed by scale and shift of
every channel, which are linear in sigma^2/(sigma^2 + a^2) for a few a: steps on the axis of log sigma without a
logarithm, whose bits differ between machines. Weights are integers of 8 bits times a scale of their channel, in training
too.
"""

import torch
from torch import nn
from torch.nn.functional import conv2d, pixel_shuffle, pixel_unshuffle

SIGMA_DATA = 0.5
STEPS = (0.02, 0.08, 0.3, 1.0, 4.0)  # the a
CHANNELS, BLOCKS = 24, 2
LIMIT = 8.0  # of activations, which firmware has as integers of 16 bits


def relu(x):
    return x.clamp(0, LIMIT)


def whole(weight):
    """(integers of 8 bits, scale of each output channel)"""
    scale = weight.abs().amax((1, 2, 3), keepdim=True).clamp_min(1e-8) / 127
    return (weight / scale).round(), scale


def features(sigma):
    """[n] -> [n, 6]: 1, and a step for each a."""
    square = sigma[:, None] ** 2
    steps = torch.tensor(STEPS, dtype=sigma.dtype)
    return torch.cat([torch.ones_like(square), square / (square + steps**2)], 1)


class Layer(nn.Module):
    """A convolution of 3 x 3, then scale and shift by the noise level."""

    def __init__(self, inputs, outputs, dilation=1, gain=1.0):
        super().__init__()
        self.dilation = dilation
        self.weight = nn.Parameter(torch.randn(outputs, inputs, 3, 3) * (2 / (9 * inputs)) ** 0.5 * gain)
        self.scale = nn.Parameter(torch.zeros(outputs, 1 + len(STEPS)))
        self.shift = nn.Parameter(torch.zeros(outputs, 1 + len(STEPS)))
        with torch.no_grad():
            self.scale[:, 0] = 1

    def forward(self, x, level):
        integers, scale = whole(self.weight)
        weight = self.weight + (integers * scale - self.weight).detach()  # its gradient is that of the weight
        h = conv2d(x, weight, padding=self.dilation, dilation=self.dilation)
        return h * (level @ self.scale.T)[:, :, None, None] + (level @ self.shift.T)[:, :, None, None]


class Network(nn.Module):
    """F: a layer to begin, blocks x <- relu(x + layer(relu(layer(x)))), relu ending at 8, and a layer to end."""

    def __init__(self):
        super().__init__()
        self.begin = Layer(4, CHANNELS)
        pair = lambda: nn.ModuleList([Layer(CHANNELS, CHANNELS, 2), Layer(CHANNELS, CHANNELS, 1, 0.5)])
        self.blocks = nn.ModuleList(pair() for _ in range(BLOCKS))
        self.end = Layer(CHANNELS, 4, 1, 0.1)

    def layers(self):
        return [self.begin, *(layer for pair in self.blocks for layer in pair), self.end]

    def forward(self, x, level):
        x = relu(self.begin(pixel_unshuffle(x, 2), level))
        for first, second in self.blocks:
            x = relu(x + second(relu(first(x, level)), level))
        return pixel_shuffle(self.end(x, level), 2)


def scalings(sigma):
    """c_skip, c_out and c_in of n noise levels, [n, 1, 1, 1]."""
    total = (sigma**2 + SIGMA_DATA**2)[:, None, None, None]
    wide = sigma[:, None, None, None]
    return SIGMA_DATA**2 / total, wide * SIGMA_DATA / total.sqrt(), 1 / total.sqrt()


def denoise(network, x, sigma):
    skip, out, scale = scalings(sigma)
    return skip * x + out * network(scale * x, features(sigma))
