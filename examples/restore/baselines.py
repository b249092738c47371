"""Posterior means of restore against total variation with its best weight and bicubic interpolation.

    make && python baselines.py [--size 128] [--chains 16] [--out BASELINES.md]     # needs numpy, Pillow, scikit-image

Runs restore as a user does, on four photographs, and takes its own measurement and truth (.npy). Total variation (of the
three channels together, Chambolle and Pock 2011) gets the operator through librwt, and for each picture the weight that is
best against the truth; restore is told nothing but the noise.
"""
import argparse
import ctypes
import os
import subprocess
import tempfile

import numpy as np
import skimage.data
from PIL import Image
from skimage.io import imsave

HERE = os.path.dirname(os.path.abspath(__file__))
PICTURES = ("astronaut", "chelsea", "coffee", "rocket")
TASKS = ("super-resolution", "deblurring")
NOISES = (0.2, 0.02)
WEIGHTS = 10.0 ** np.arange(-3, 0.1, 0.25)
STEPS = 300


class Operator:
    """A of restore's task, by librwt."""

    def __init__(self, library, task, side):
        self.library, self.handle, n = library, ctypes.c_void_p(), 3 * side * side
        if task == "super-resolution":
            status = library.rwt_operator_bicubic(size(3), size(side), size(side), size(4), ctypes.byref(self.handle))
        else:
            offsets = np.arange(13) - 6
            kernel = np.exp(-(offsets[:, None] ** 2 + offsets**2) / 8)
            kernel = (kernel / kernel.sum()).astype(np.float32)
            status = library.rwt_operator_blur(size(3), size(side), size(side), pointer(kernel), size(13), size(13),
                                               ctypes.c_uint32(0), ctypes.byref(self.handle))
        if status:
            raise SystemExit("librwt refused the operator")
        library.rwt_operator_measurement_len.restype = ctypes.c_size_t
        self.lengths = n, library.rwt_operator_measurement_len(self.handle)

    def _run(self, function, values, length):
        values, out = np.ascontiguousarray(values, np.float32), np.empty(length, np.float32)
        if function(self.handle, pointer(values), size(values.size), pointer(out), size(length)):
            raise SystemExit("librwt refused an array")
        return out

    def apply(self, x):
        return self._run(self.library.rwt_operator_apply, x, self.lengths[1])

    def adjoint(self, y):
        return self._run(self.library.rwt_operator_adjoint, y, self.lengths[0])


def size(value):
    return ctypes.c_size_t(value)


def pointer(array):
    return ctypes.c_void_p(array.ctypes.data)


def psnr(a, b):
    return 10 * np.log10(4 / np.mean((a - b) ** 2))


def total_variation(operator, y, weight, side, start):
    """argmin of weight TV(x) + |A x - y|²/2."""
    x = start.reshape(3, side, side).copy()
    ahead, q, p = x.copy(), np.zeros_like(y), np.zeros((2, 3, side, side))
    step = 1 / np.sqrt(8 + 1.2)
    for _ in range(STEPS):
        p[0, :, :-1] += step * (ahead[:, 1:] - ahead[:, :-1])
        p[1, :, :, :-1] += step * (ahead[:, :, 1:] - ahead[:, :, :-1])
        p /= np.maximum(1, np.sqrt((p**2).sum((0, 1))) / weight)
        q = (q + step * (operator.apply(ahead) - y)) / (1 + step)
        back = operator.adjoint(q).reshape(x.shape)
        back = back - p[0] - p[1]
        back[:, 1:] += p[0, :, :-1]
        back[:, :, 1:] += p[1, :, :, :-1]
        new = np.clip(x - step * back, -1, 1)
        ahead, x = 2 * new - x, new
    return x.ravel()


def enlarged(y, side):
    """Bicubic, by Pillow."""
    low = y.reshape(3, side // 4, side // 4)
    return np.stack([Image.fromarray(plane).resize((side, side), Image.BICUBIC) for plane in low]).ravel()


def one(o, library, picture, task, noise, folder):
    """PSNR of rwt's sample and mean, TV and the plain start."""
    path = os.path.join(folder, f"{picture}.png")
    if not os.path.exists(path):
        imsave(path, getattr(skimage.data, picture)(), check_contrast=False)
    subprocess.run([os.path.join(HERE, "build/restore"), task, path, "--noise", str(noise), "--chains", str(o.chains),
                    "--size", str(o.size), "--out", folder], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    truth, y, mean, std = (np.load(os.path.join(folder, f"{name}.npy")) for name in ("truth", "measurement", "mean", "std"))
    side = int(round((truth.size / 3) ** 0.5))
    operator = Operator(library, task, side)
    start = enlarged(y, side) if task == "super-resolution" else y
    best = max(psnr(total_variation(operator, y, weight, side, start), truth) for weight in WEIGHTS)
    inside = np.mean(np.abs(truth - mean) <= 2 * np.sqrt(1 + 1 / o.chains) * std)
    return psnr(start, truth), best, psnr(mean, truth), 100 * inside


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--size", type=int, default=128)
    options.add_argument("--chains", type=int, default=16)
    target = os.environ.get("CARGO_TARGET_DIR", os.path.join(HERE, "../../target"))
    options.add_argument("--library", default=os.path.join(target, "release/librwt.so"))
    options.add_argument("--out", help="a file for the table, too")
    o = options.parse_args()
    library = ctypes.CDLL(os.path.abspath(o.library))
    lines = [f"{o.size} × {o.size}, {o.chains} chains, PSNR in dB. \"Plain\" is bicubic interpolation, or the blurred picture.\n",
             "| task, noise | picture | plain | total variation, best weight | rwt, mean | truth within 2 std |",
             "| --- | --- | ---: | ---: | ---: | ---: |"]
    print("\n".join(lines), flush=True)
    with tempfile.TemporaryDirectory() as folder:
        for task in TASKS:
            for noise in NOISES:
                rows = [one(o, library, picture, task, noise, folder) for picture in PICTURES]
                for name, row in [*zip(PICTURES, rows), ("**mean**", np.mean(rows, 0))]:
                    plain, variation, mean, inside = row
                    lines.append(f"| {task}, {noise} | {name} | {plain:.2f} | {variation:.2f} | {mean:.2f} | {inside:.0f} % |")
                    print(lines[-1], flush=True)
    if o.out:
        with open(o.out, "w", encoding="utf-8") as file:
            file.write("# Restoring against classical methods\n\nMade by `baselines.py`.\n\n" + "\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
