"""A network inside the preconditioning of Karras et al. 2022: the file holds the raw F(c_in x, c_noise), rwt applies the
rest. Random weights of a fixed seed."""
import torch
from torch import nn


class Raw(nn.Module):
    def __init__(self, channels=3, width=32):
        super().__init__()
        self.first = nn.Conv2d(channels, width, 3, padding=1)
        self.level = nn.Linear(1, width)
        self.last = nn.Conv2d(width, channels, 3, padding=1)

    def forward(self, x, noise):
        return self.last(torch.nn.functional.silu(self.first(x) + self.level(noise[:, None])[:, :, None, None]))


def network():
    torch.manual_seed(0)
    return Raw()


METADATA = {
    "name": "edm-like", "licence": "MIT OR Apache-2.0", "prediction": "edm", "sigma_data": 0.5,
    "time": "quarter_log_sigma", "sigma_min": 0.002, "sigma_max": 80, "channels": 3, "range": "-1,1", "mean": 0,
    "variance": 0.25, "multiple": 1, "margin": 8,
}
