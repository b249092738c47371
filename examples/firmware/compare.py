"""The picture that the firmware restored beside its measurement and the truth, and the PSNR of other methods.

    make -C c host LIBRWT=../../../target/release/librwt.a
    python compare.py --program c/build/restore --out panel.png
    python compare.py --patches        the same walk in numpy on 20 other patches of the photograph

Other methods see the same pixels: the nearest one, linear and cubic interpolation between them (Delaunay, Clough and
Tocher), and total variation with the weight that is best for the truth. No method but the last is given the truth.
"""

import argparse
import os
import subprocess

import numpy as np
import torch
from PIL import Image
from scipy.interpolate import griddata

from denoiser import denoise
from header import PRIOR, network_of, picture

SIDE, ETA, LEVELS = 32, 0.02, 32


def psnr(image, truth):
    return 10 * np.log10(4 / ((image - truth) ** 2).mean())


def interpolate(y, mask, kind):
    """By scipy; the nearest pixel outside of the known ones' hull."""
    places = np.argwhere(mask)
    everywhere = np.mgrid[:SIDE, :SIDE].reshape(2, -1).T
    nearest, found = (griddata(places, y[mask], everywhere, how).reshape(SIDE, SIDE) for how in ("nearest", kind))
    return np.where(np.isnan(found), nearest, found)


def total_variation(y, mask, weight, steps=2000):
    """argmin |mask (x - y)|^2/2 + weight TV(x), by the primal-dual method of Chambolle and Pock 2011."""
    x = interpolate(y, mask, "nearest")
    ahead, dual, step = x.copy(), np.zeros((2, SIDE, SIDE)), 0.35
    for _ in range(steps):
        dual[0, :-1] += step * np.diff(ahead, axis=0)
        dual[1, :, :-1] += step * np.diff(ahead, axis=1)
        dual /= np.maximum(1, np.hypot(*dual) / weight)
        divergence = dual.sum(0)
        divergence[1:] -= dual[0, :-1]
        divergence[:, 1:] -= dual[1, :, :-1]
        before = x
        x = x + step * divergence
        x = np.where(mask, (x + step * y) / (1 + step), x)
        ahead = 2 * x - before
    return x


def rivals(y, mask, truth):
    """{method: PSNR}"""
    found = {kind: psnr(interpolate(y, mask, kind), truth) for kind in ("nearest", "linear", "cubic")}
    found["total variation"] = max(psnr(total_variation(y, mask, w), truth) for w in (0.003, 0.01, 0.02, 0.04, 0.08))
    return found


def restore(network, y, mask, rng):
    """The preconditioned walk at temperature 0 with steps of 1, in float64 but for the network."""
    levels = np.geomspace(2, ETA / 2, LEVELS)
    x = levels[0] * rng.standard_normal((SIDE, SIDE))

    def denoised(sigma):
        with torch.no_grad():
            image = torch.from_numpy(x[None, None])
            return denoise(network, image, torch.tensor([sigma], dtype=torch.float64))[0, 0].numpy()

    for sigma in levels[:-1]:
        mean = denoised(sigma)
        x = mean + mask * sigma**2 / (sigma**2 + ETA**2) * (y - mean)
    mean = denoised(levels[-1])
    return mean + mask * levels[-1] ** 2 / (levels[-1] ** 2 + ETA**2) * (y - mean)


def images(program):
    """Measured and restored, as the program prints them."""
    text = subprocess.run([program], check=True, capture_output=True, text=True).stdout
    print("\n".join(line for line in text.splitlines() if line.startswith(("psnr", "millionths"))))
    for name in ("measured", "pixel"):
        bits = [int(line.split()[1], 16) for line in text.splitlines() if line.startswith(name + " ")]
        yield np.array(bits, np.uint32).view(np.float32).reshape(SIDE, SIDE).astype(float)


def panel(program, out):
    truth = picture() / 127.5 - 1
    measured, restored = images(program)
    for method, value in rivals(measured, measured != 0, truth).items():
        print(f"{method} {value:.2f}")
    grey = np.hstack([truth, measured, restored])
    Image.fromarray(((grey.clip(-1, 1) + 1) * 127.5).round().astype(np.uint8)).resize((3 * 256, 256), 0).save(out)


def patches():
    """Every 32 x 32 of the photograph averaged over 4 x 4 pixels, and over 2 x 2."""
    network, rng, table = network_of(PRIOR), np.random.default_rng(1), []
    for factor in (4, 2):
        step = SIDE * factor
        for row in range(0, 256, step):
            for column in range(0, 256, step):
                truth = picture(row, column, factor) / 127.5 - 1
                mask = rng.random((SIDE, SIDE)) < 0.3
                y = np.where(mask, truth + ETA * rng.standard_normal(truth.shape), 0)
                table.append({"restored": psnr(restore(network, y, mask, rng), truth), **rivals(y, mask, truth)})
    for method in table[0]:
        values = np.array([row[method] for row in table])
        ahead = np.array([row["restored"] for row in table]) - values
        text = f"{method} {values.mean():.2f} dB"
        print(f"{text}; restored is ahead by {ahead.mean():.2f} on average, in {(ahead > 0).sum()} of {len(table)}")


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--program", help="`restore` of c/, built for this machine")
    options.add_argument("--out", default="panel.png", help="truth, measured and restored side by side [%(default)s]")
    options.add_argument("--patches", action="store_true", help="compare on other patches instead")
    o = options.parse_args()
    torch.set_num_threads(1)
    if o.patches:
        patches()
    elif o.program:
        panel(os.path.abspath(o.program), o.out)
    else:
        options.error("--program or --patches")


if __name__ == "__main__":
    main()
