"""Export a diffusers UNet2DModel with its scheduler's configuration.

    python diffusers_unet2d.py --model FOLDER --out ddpm.onnx --licence Apache-2.0     # a folder of save_pretrained
    python diffusers_unet2d.py --random cifar10 --out random.onnx                      # its architecture, random weights

FOLDER holds unet/ and scheduler/ (a pipeline), or the network's config.json and scheduler_config.json.
"""
import argparse
import json
import os

import torch
from diffusers import UNet2DModel

from rwt_export import add_options, export

# The architecture of google/ddpm-cifar10-32, one of 2 million parameters without attention, and a small one with
# attention for quick tests.
CIFAR10 = dict(
    sample_size=32, in_channels=3, out_channels=3, layers_per_block=2, block_out_channels=(128, 256, 256, 256),
    down_block_types=("DownBlock2D", "AttnDownBlock2D", "DownBlock2D", "DownBlock2D"),
    up_block_types=("UpBlock2D", "UpBlock2D", "AttnUpBlock2D", "UpBlock2D"), downsample_padding=0,
    flip_sin_to_cos=False, freq_shift=1, norm_eps=1e-6,
)
UNET64 = dict(
    sample_size=64, in_channels=3, out_channels=3, layers_per_block=1, block_out_channels=(32, 64, 96),
    norm_num_groups=8, add_attention=False, down_block_types=("DownBlock2D",) * 3, up_block_types=("UpBlock2D",) * 3,
)
SMALL = dict(
    sample_size=16, in_channels=3, out_channels=3, layers_per_block=1, block_out_channels=(32, 64), norm_num_groups=8,
    down_block_types=("DownBlock2D", "AttnDownBlock2D"), up_block_types=("AttnUpBlock2D", "UpBlock2D"),
)
RANDOM = {"cifar10": CIFAR10, "unet64": UNET64, "small": SMALL}
DDPM = dict(num_train_timesteps=1000, beta_start=1e-4, beta_end=0.02, beta_schedule="linear", prediction_type="epsilon")


class Sample(torch.nn.Module):
    """The network alone: diffusers wraps its output."""

    def __init__(self, unet):
        super().__init__()
        self.unet = unet

    def forward(self, x, t):
        return self.unet(x, t, return_dict=False)[0]


def table(scheduler):
    """rwt.table of a scheduler's configuration."""
    count, schedule = scheduler["num_train_timesteps"], scheduler.get("beta_schedule", "linear")
    if scheduler.get("trained_betas") is not None:
        return "betas " + " ".join(repr(float(beta)) for beta in scheduler["trained_betas"])
    ends = f"{scheduler.get('beta_start', 1e-4)!r} {scheduler.get('beta_end', 0.02)!r} {count}"
    names = {"linear": f"linear {ends}", "scaled_linear": f"scaled_linear {ends}", "squaredcos_cap_v2": f"cosine {count}"}
    if schedule not in names:
        raise SystemExit(f"expected a beta_schedule among {', '.join(names)}, found {schedule}")
    return names[schedule]


def metadata(unet, scheduler, o):
    predictions = {"epsilon": "noise", "v_prediction": "velocity", "sample": "denoised"}
    channels, outputs = unet.config.in_channels, unet.config.out_channels
    if outputs not in (channels, 2 * channels):
        raise SystemExit(f"expected {channels} or {2 * channels} output channels, found {outputs}")
    keys = {
        "name": o.name, "licence": o.licence, "source": o.source,
        "prediction": predictions[scheduler.get("prediction_type", "epsilon")], "process": "vp", "time": "index",
        "table": table(scheduler), "channels": channels, "range": "-1,1", "mean": o.mean, "variance": o.variance,
        "multiple": 2 ** (len(unet.config.block_out_channels) - 1), "margin": 0,
    }
    if outputs == 2 * channels:
        keys["learned_variance"] = "yes"
    return keys


def load(o):
    """The network and its scheduler's configuration."""
    if o.random:
        torch.manual_seed(0)
        return UNet2DModel(**RANDOM[o.random]), DDPM
    folder = lambda name: os.path.join(o.model, name) if os.path.isdir(os.path.join(o.model, name)) else o.model
    with open(os.path.join(folder("scheduler"), "scheduler_config.json")) as file:
        return UNet2DModel.from_pretrained(folder("unet")), json.load(file)


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    network = options.add_mutually_exclusive_group(required=True)
    network.add_argument("--model", help="a folder written by save_pretrained")
    network.add_argument("--random", choices=RANDOM, help="random weights of a fixed seed")
    add_options(options, "diffusers-unet2d")
    o = options.parse_args()
    unet, scheduler = load(o)
    export(Sample(unet), o.out, metadata(unet, scheduler, o))


if __name__ == "__main__":
    main()
