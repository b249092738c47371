"""The example's posterior samples against classical inpainting, on the same measurements of four photographs.

    make                                      # builds c_inpaint and librwt.so
    python baselines.py --out BASELINES.md    # needs numpy, scipy, scikit-image

Runs c_inpaint as a user does and takes PSNR from the PNG files that it writes. The rivals get the very same
measurement: its noise and mask are made again through librwt (the random numbers of measure.c), as numbers and not as the
8-bit measured.png, which must agree with them or the script ends. Each rival's parameters are the best ones for each
picture, chosen against the truth; c_inpaint is told nothing but the noise level. --rivals FILE keeps their figures.
"""
import argparse
import ctypes
import json
import os
import re
import subprocess
import sys
import tempfile
from importlib.metadata import version

import numpy as np
from skimage.io import imread, imsave

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(HERE, "..", "models", "training"))

import interpolators
import photographs

PICTURES = ("astronaut", "chelsea", "coffee", "rocket")
SETTINGS = ((0.92, 0.2), (0.8, 0.05))  # (fraction missing, noise standard deviation in [-1, 1])
STREAM, NOISE_DRAW, MASK_DRAW = 2**32 - 2, 0, 1  # as in measure.c


def open_library(path):
    """librwt with the one function used here."""
    try:
        library = ctypes.CDLL(os.path.abspath(path))
    except OSError as error:
        raise SystemExit(f"the library: {error}; build it with make, or name it with --library FILE")
    library.rwt_noise.argtypes = [ctypes.c_uint64, ctypes.c_uint64, ctypes.c_uint32, ctypes.c_size_t, ctypes.c_void_p]
    library.rwt_noise.restype = ctypes.c_int32
    return library


def random_normal(library, seed, draw, n):
    out = np.empty(n, np.float32)
    status = library.rwt_noise(seed, STREAM, draw, n, out.ctypes.data)
    if status != 0:
        raise SystemExit(f"rwt_noise failed with status {status}")
    return out


def measure(library, truth, missing, noise, seed):
    """(y, mask) of measure.c: (height, width, 3), noisy everywhere, and (height, width), true where measured."""
    height, width, channels = truth.shape
    planes = random_normal(library, seed, NOISE_DRAW, truth.size).reshape(channels, height, width)
    y = truth.astype(np.float32) + np.float32(noise) * planes.transpose(1, 2, 0)
    order = np.argsort(random_normal(library, seed, MASK_DRAW, height * width), kind="stable")
    mask = np.ones(height * width, bool)
    mask[order[: int(missing * height * width + 0.5)]] = False
    return y.astype(np.float64), mask.reshape(height, width)


def check_measurement(path, y, mask):
    """The program's own 8-bit picture of the measurement must be this one."""
    levels = np.clip((y + 1) * 127.5, 0, 255) * mask[:, :, None]
    worst = np.abs(imread(path)[:, :, :3] - levels).max()
    if worst > 0.51:
        raise SystemExit(f"{path} differs by {worst:.1f} grey levels from the measurement made here: "
                         "measure.c and this script no longer draw the same random numbers")


def read(path):
    """(height, width, 3) in [-1, 1] from an 8-bit PNG."""
    return imread(path)[:, :, :3] / 127.5 - 1.0


def run_program(o, picture, missing, noise, folder):
    """Seconds of the walk, from the program's own table; its pictures are in folder."""
    command = [o.program, "--missing", missing, "--noise", noise, "--seed", o.seed, "--chains", o.chains]
    command += ["--levels", o.levels, "--size", o.size, "--out", folder, picture]
    if o.model:
        command += ["--model", o.model]
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"{o.program} failed with status {done.returncode}: {done.stderr.strip()}")
    found = re.search(r"evaluations of the denoiser, ([0-9.]+) s", done.stdout)
    if not found:
        raise SystemExit(f"no time in the table of {o.program}:\n{done.stdout}")
    return float(found.group(1))


class Rivals:
    """Figures of the rivals, kept in a file where there is one."""

    def __init__(self, path, o):
        self.path = path
        self.kept = {"seed": o.seed, "size": o.size, "versions": {}, "figures": {}}
        if path and os.path.exists(path):
            with open(path) as file:
                found = json.load(file)
            if (found["seed"], found["size"]) != (o.seed, o.size):
                raise SystemExit(f"{path} is of seed {found['seed']} and size {found['size']}; name another file")
            self.kept = found

    def psnr(self, name, missing, noise, measurement, truth):
        """{method: PSNR}"""
        figures = self.kept["figures"].setdefault(f"{name}, {missing} missing, noise {noise}", {})
        for method, run in interpolators.METHODS.items():
            if method not in figures:
                psnr, parameters = run(*measurement, truth)
                figures[method] = {"psnr": round(psnr, 3), **parameters}
                self.save()
        return {method: figures[method]["psnr"] for method in interpolators.METHODS}

    def save(self):
        self.kept["versions"] = {package: version(package) for package in ("numpy", "scipy", "scikit-image")}
        if self.path:
            with open(self.path, "w") as file:
                json.dump(self.kept, file, indent=1, sort_keys=True)
                file.write("\n")


def compare(o, library, rivals, name, missing, noise):
    """One row: the rivals' PSNR, then one sample, the mean, its margin over the best rival, seconds."""
    with tempfile.TemporaryDirectory() as folder:
        picture = os.path.join(folder, "truth.png")
        imsave(picture, np.round((photographs.load(name, o.size) + 1) * 127.5).astype(np.uint8), check_contrast=False)
        truth = read(picture)
        seconds = run_program(o, picture, missing, noise, folder)
        measurement = measure(library, truth, missing, noise, o.seed)
        check_measurement(os.path.join(folder, "measured.png"), *measurement)
        sample, mean = (photographs.psnr(read(os.path.join(folder, f)), truth) for f in ("sample-0.png", "mean.png"))
    figures = list(rivals.psnr(name, missing, noise, measurement, truth).values())
    return [*figures, sample, mean, mean - max(figures), seconds]


def format_row(first, row):
    *psnr, margin, seconds = row
    return f"| {first} | " + " | ".join(f"{p:.2f}" for p in psnr) + f" | {margin:+.2f} | {seconds:.1f} |"


NOTES = """\
PSNR in dB for the range [−1, 1], estimates cut to it. Photographs astronaut, chelsea, coffee and rocket from
scikit-image, central square, area averaged to {size}×{size}; none was trained on. All channels of a missing pixel are
missing. Ours: `c_inpaint --seed {seed} --chains {chains} --levels {levels}`; the library's rule for the first noise
level was picked after a few trials on these photographs, nothing is chosen for each. Rivals: the same
measurement, and for each picture the parameters that are best against the truth: Gaussian interpolation (normalised
convolution), its width; biharmonic, Gaussian smoothing before and after; thin-plate smoothing spline, its stiffness;
vectorial total variation, its weight and the number of iterations from the Gaussian interpolation. Margin: the mean over
the best rival for that picture."""


def table(o, library, rivals):
    """Markdown, with a row of averages for each setting."""
    columns = [*interpolators.METHODS, "one sample", f"mean of {o.chains}", "margin", "seconds"]
    lines = []
    for missing, noise in SETTINGS:
        lines += [f"| {100 * missing:g} % missing, noise {noise} | " + " | ".join(columns) + " |"]
        lines += ["| --- |" + " ---: |" * len(columns)]
        rows = []
        for name in PICTURES:
            rows.append(compare(o, library, rivals, name, missing, noise))
            lines.append(format_row(name, rows[-1]))
            print(lines[-1], file=sys.stderr, flush=True)
        lines += [format_row("average", np.mean(rows, axis=0)), ""]
    return "\n".join([*lines, NOTES.format(**vars(o)), ""])


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    target = os.environ.get("CARGO_TARGET_DIR", os.path.join(ROOT, "target"))
    options.add_argument("--program", default=os.path.join(HERE, "build", "c_inpaint"))
    options.add_argument("--library", default=os.path.join(target, "release", "librwt.so"))
    options.add_argument("--model", help="denoiser, ONNX (default: the program's own)")
    options.add_argument("--rivals", help="JSON file for the rivals' figures, completed where it lacks some")
    options.add_argument("--out", help="Markdown file; the table is printed in any case")
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--chains", type=int, default=8)
    options.add_argument("--levels", type=int, default=50)
    options.add_argument("--size", type=int, default=256)
    o = options.parse_args()
    if not os.access(o.program, os.X_OK):
        options.error(f"{o.program} is missing: build it with make, or name it with --program FILE")
    text = table(o, open_library(o.library), Rivals(o.rivals, o))
    print(text)
    if o.out:
        with open(o.out, "w") as file:
            file.write(text)


if __name__ == "__main__":
    main()
