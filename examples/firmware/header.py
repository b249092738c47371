"""Write c/prior.h, the trained denoiser with answers of PyTorch to compare with, and c/patch.h, the picture to restore.

    python header.py --checkpoint FILE     both, of a training by train.py
    python header.py --picture             c/patch.h alone, without a training
    python header.py --check               does PyTorch give the answers of c/prior.h with the weights that it holds?
"""

import argparse
import os
import re

import numpy as np
import torch
from PIL import Image

from denoiser import SIGMA_DATA, STEPS, Network, denoise, whole

HERE = os.path.dirname(os.path.abspath(__file__))
PHOTOGRAPH = os.path.join(HERE, "../c_inpaint/astronaut.png")
PRIOR, PATCH = os.path.join(HERE, "c/prior.h"), os.path.join(HERE, "c/patch.h")
SIDE, ROW, COLUMN, FACTOR = 32, 0, 48, 4  # of the patch: its place in the photograph, and the pixels averaged each way
ONE = 4096  # activations are integers of 16 bits, in parts of this
PROBES, SIGMAS = 64, (0.01, 0.2, 2.0)


def picture(row=ROW, column=COLUMN, factor=FACTOR):
    """A patch of the photograph in grey (ITU-R BT.601), as integers of 8 bits."""
    photograph, size = np.asarray(Image.open(PHOTOGRAPH).convert("RGB")), SIDE * factor
    block = photograph[row : row + size, column : column + size].astype(int)
    grey = (block @ [299, 587, 114]).reshape(SIDE, factor, SIDE, factor).sum((1, 3))
    unit = 1000 * factor**2
    return (grey + unit // 2) // unit


def probe(sigma):
    """The picture with noise of standard deviation sigma, uniformly distributed; C and Rust make the same."""
    state, noise = 1, np.empty(SIDE * SIDE, np.float32)
    for i in range(noise.size):
        state = (state * 1664525 + 1013904223) % 2**32
        noise[i] = ((state >> 16) - 32767.5) / 32768
    x = (picture().ravel() / 127.5 - 1).astype(np.float32) + np.float32(sigma * 3**0.5) * noise
    return torch.from_numpy(x.reshape(1, 1, SIDE, SIDE))


def answers(network):
    """D at every 16th pixel or so of each probe, activations not rounded."""
    rows = []
    with torch.no_grad():
        for sigma in SIGMAS:
            denoised = denoise(network.double(), probe(sigma).double(), torch.tensor([sigma], dtype=torch.float64))
            rows.append(denoised.ravel()[[16 * i + i % 16 for i in range(PROBES)]].numpy())
    return np.concatenate(rows)


def hashed(integers):
    """FNV-1a over the bytes."""
    value = 2166136261
    for byte in integers.astype(np.int8).tobytes():
        value = (value ^ byte) * 16777619 % 2**32
    return value


def table(kind, name, values, comment):
    """One array in C, within 120 columns."""
    lines, line = [f"/* {comment} */", f"static const {kind} {name}[{len(values)}] = {{"], "   "
    for value in values:
        word = f" {value:.8e}F," if kind == "float" else f" {int(value)},"
        if len(line) + len(word) > 120:
            lines.append(line)
            line = "   "
        line += word
    return "\n".join([*lines, line, "};", ""])


def guarded(name, comment, parts):
    return "\n".join([f"/* {comment} */", f"#ifndef {name}", f"#define {name}", "", *parts, "#endif", ""])


def write(path, text):
    with open(path, "w") as file:
        file.write(text)


def write_picture():
    comment = "Made by ../header.py: a patch of NASA's portrait of Eileen Collins, public domain: ../../c_inpaint/SOURCE.md."
    values = table("unsigned char", "PATCH", picture().ravel(), "[row, column], black 0 to white 255")
    write(PATCH, guarded("PATCH_H", comment, [values]))


def write_prior(network):
    layers = network.layers()
    pairs = [whole(layer.weight.detach()) for layer in layers]
    weights = np.concatenate([integers.numpy().ravel() for integers, _ in pairs])
    scales = [layer.scale.detach() * unit[:, :, 0, 0] for layer, (_, unit) in zip(layers, pairs)]
    scale = np.concatenate([scale.numpy().ravel() for scale in scales])
    shift = np.concatenate([layer.shift.detach().numpy().ravel() for layer in layers])
    parts = [
        "/* Of a pixel of the pictures that it was trained on, about. */",
        f"static const double VARIANCE = {SIGMA_DATA**2};\n",
        f"/* FNV-1a of WEIGHTS. */\nstatic const unsigned WEIGHTS_HASH = {hashed(weights)};\n",
        table("signed char", "WEIGHTS", weights, "[layer][output, input, row, column]"),
        table("float", "SCALE", scale, "[layer][output, feature of the noise level]"),
        table("float", "SHIFT", shift * ONE, "[layer][output, feature of the noise level]"),
        table("float", "SQUARES", np.array(STEPS) ** 2, "of the noise levels of the features after the first"),
        table("float", "PROBED", SIGMAS, "noise levels of the probes"),
        table("float", "ANSWERS", answers(network), "[probe, pixel]: what PyTorch denoises them to"),
    ]
    write(PRIOR, guarded("PRIOR_H", "Made by ../header.py of a training by ../train.py.", parts))


def read(text, name):
    values = re.search(rf"{name}\[\d+\] = {{([^}}]*)}}", text)[1]
    return np.array(values.replace("F", "").rstrip(", \n").split(","), float)


def network_of(path):
    """The network that a header holds, in float64."""
    with open(path) as file:
        text = file.read()
    values = {name: torch.from_numpy(read(text, name)) for name in ("WEIGHTS", "SCALE", "SHIFT")}
    network = Network().double()
    for layer in network.layers():  # the largest integer of a channel is 127: taken as weights, their scale is 1
        for name, into in (("WEIGHTS", layer.weight), ("SCALE", layer.scale), ("SHIFT", layer.shift)):
            into.data = values[name][: into.numel()].view_as(into) / (ONE if name == "SHIFT" else 1)
            values[name] = values[name][into.numel() :]
    return network


def check():
    with open(PRIOR) as file:
        off = np.abs(answers(network_of(PRIOR)) - read(file.read(), "ANSWERS")).max()
    print(f"largest difference {off:.1e}")
    raise SystemExit(off > 1e-5)


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    what = options.add_mutually_exclusive_group(required=True)
    what.add_argument("--checkpoint", help="of train.py; writes both headers")
    what.add_argument("--picture", action="store_true", help="write c/patch.h")
    what.add_argument("--check", action="store_true", help="write nothing; end with 1 if c/prior.h holds other answers")
    o = options.parse_args()
    if o.check:
        check()
    write_picture()
    if o.checkpoint:
        network = Network()
        network.load_state_dict(torch.load(o.checkpoint)["average"])
        write_prior(network)


if __name__ == "__main__":
    main()
