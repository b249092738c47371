"""Total variation beside rwt: the same scan, the weight chosen with the truth. Prints a table in Markdown; needs numpy.

    make -C examples/mri run && python examples/mri/baselines.py [folder]
"""

import sys
from pathlib import Path

import numpy as np

STEPS = 400
WEIGHTS = np.geomspace(0.004, 0.08, 10)


def gradient(v):
    """Forward differences, [2, ...], 0 over the last edge."""
    g = np.zeros((2, *v.shape))
    g[0, ..., :-1, :] = np.diff(v, axis=-2)
    g[1, ..., :-1] = np.diff(v, axis=-1)
    return g


def gradient_adjoint(g):
    v = np.zeros(g.shape[1:])
    v[..., :-1, :] -= g[0, ..., :-1, :]
    v[..., 1:, :] += g[0, ..., :-1, :]
    v[..., :-1] -= g[1, ..., :-1]
    v[..., 1:] += g[1, ..., :-1]
    return v


class Scan:
    """y = mask F (coils e^{i phase} v), unitary, for each contrast; written by mri."""

    def __init__(self, folder):
        load = lambda name: np.load(folder / f"{name}.npy").astype(float)
        coils, y = load("coils"), load("scan")
        self.seen = (coils[:, 0] + 1j * coils[:, 1]) * np.exp(1j * load("phase"))
        self.masks = load("masks")[:, None]
        self.y = y[:, :, 0] + 1j * y[:, :, 1]
        self.truth, self.mean = load("truth"), load("mean")

    def apply(self, v):
        return self.masks * np.fft.fft2(self.seen * v[:, None], norm="ortho")

    def adjoint(self, y):
        return np.real(np.sum(self.seen.conj() * np.fft.ifft2(self.masks * y, norm="ortho"), axis=1))


def total_variation(scan, weight, together):
    """min |A v - y|^2 / 2 + weight TV(v) by Chambolle and Pock 2011; `together`: the contrasts share their edges."""
    v = scan.adjoint(scan.y)
    ahead, dual, residual = v.copy(), gradient(v) * 0, scan.y * 0
    step = 1 / np.sqrt(1 + 8)
    for _ in range(STEPS):
        residual = (residual + step * (scan.apply(ahead) - scan.y)) / (1 + step)
        dual = dual + step * gradient(ahead)
        norm = np.sqrt(np.sum(dual**2, axis=(0, 1) if together else 0, keepdims=True))
        dual = dual / np.maximum(1, norm / weight)
        before, v = v, v - step * (scan.adjoint(residual) + gradient_adjoint(dual))
        ahead = 2 * v - before
    return v


def psnr(a, b):
    return -10 * np.log10(np.mean((a - b) ** 2))


def main():
    scan = Scan(Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parent / "out"))
    rows = {"zero-filled": scan.adjoint(scan.y)}
    for name, together in (("total variation", False), ("total variation, edges shared", True)):
        tries = {w: total_variation(scan, w, together) for w in WEIGHTS}
        best = max(tries, key=lambda w: psnr(tries[w], scan.truth))
        rows[f"{name}, weight {best:.3f}"] = tries[best]
    rows["rwt, mean"] = scan.mean
    print("| PSNR, dB | all | PD | T1 | T2 |\n| --- | ---: | ---: | ---: | ---: |")
    for name, v in rows.items():
        figures = [psnr(v, scan.truth)] + [psnr(a, b) for a, b in zip(v, scan.truth)]
        print(f"| {name} | " + " | ".join(f"{figure:.2f}" for figure in figures) + " |")


main()
