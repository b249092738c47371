"""A denoiser of the DRUNet kind: the noise level enters as one more input channel. Random weights of a fixed seed.

For real weights build the architecture that they belong to, and call load_state_dict(torch.load(FILE)) in network().
"""
import torch
from torch import nn


class Body(nn.Module):
    """A small convolutional network from channels + 1 to channels."""

    def __init__(self, channels, width=32):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(channels + 1, width, 3, padding=1), nn.ReLU(),
            nn.Conv2d(width, width, 3, stride=2, padding=1), nn.ReLU(),
            nn.ConvTranspose2d(width, width, 2, stride=2), nn.ReLU(),
            nn.Conv2d(width, channels, 3, padding=1),
        )

    def forward(self, x):
        return self.layers(x)


class NoiseMap(nn.Module):
    """x, σ → the body's answer to x with a plane of σ."""

    def __init__(self, body):
        super().__init__()
        self.body = body

    def forward(self, x, sigma):
        plane = sigma[:, None, None, None].expand(-1, 1, x.shape[2], x.shape[3])
        return self.body(torch.cat([x, plane], 1))


def network():
    torch.manual_seed(0)
    return NoiseMap(Body(3))


METADATA = {
    "name": "drunet-like", "licence": "MIT OR Apache-2.0", "prediction": "denoised", "time": "sigma",
    "sigma_min": 0.004, "sigma_max": 0.4, "channels": 3, "range": "0,1", "mean": 0.5, "variance": 0.07,
    "multiple": 2, "margin": 8,
}
