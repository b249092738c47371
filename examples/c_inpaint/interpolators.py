"""Classical inpainting methods for baselines.py, each with its free parameters chosen against the truth.

y is (height, width, 3) in [-1, 1] with noise, mask is (height, width), true where y was measured. Every method returns
(PSNR, parameters) of its best attempt: no one could choose so well without the truth. Attempts are cut to [-1, 1].
"""
import numpy as np
import scipy.sparse
from scipy.ndimage import gaussian_filter
from scipy.sparse.linalg import splu
from skimage.restoration import inpaint_biharmonic

WIDTHS = (0.6, 0.8, 1.0, 1.2, 1.4, 1.7, 2.0, 2.3, 2.6, 3.0, 3.5)  # pixels
BEFORE = (0.0, 0.7, 1.0, 1.5)  # pixels, smoothing of what was measured
AFTER = (0.0, 0.4, 0.6, 0.8, 1.0, 1.3, 1.6, 2.0, 2.5, 3.0)  # pixels, smoothing of the result
STIFFNESS = (0.01, 0.03, 0.06, 0.1, 0.2, 0.4, 0.7, 1.0, 1.5, 2.5, 4.0, 7.0, 12.0)
TV_WEIGHTS = (0.0025, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2)
TV_ITERATIONS = (6, 12, 25, 50, 100, 200, 400, 800)


def psnr(estimate, truth):
    """In dB for the range 2, with the estimate cut to the range."""
    return float(10 * np.log10(4 / np.mean((np.clip(estimate, -1, 1) - truth) ** 2)))


def best(attempts, truth):
    """(PSNR, parameters) of the best of (parameters, estimate) pairs."""
    return max(((psnr(estimate, truth), parameters) for parameters, estimate in attempts), key=lambda found: found[0])


def normalised_convolution(y, mask, width):
    """G * (m y) / (G * m) everywhere, G a Gaussian."""
    sums = gaussian_filter(np.where(mask[:, :, None], y, 0.0), (width, width, 0), truncate=6)
    weights = gaussian_filter(mask.astype(float), width, truncate=6)
    return sums / np.maximum(weights, 1e-12)[:, :, None]


def gaussian(y, mask, truth):
    """Normalised convolution, which smooths what was measured, too."""
    return best((({"width": w}, normalised_convolution(y, mask, w)) for w in WIDTHS), truth)


def biharmonic(y, mask, truth):
    """Biharmonic interpolation, which keeps the noise: so it is smoothed before, after or both."""

    def attempts():
        for before in BEFORE:
            known = normalised_convolution(y, mask, before) if before else y
            filled = inpaint_biharmonic(np.where(mask[:, :, None], known, 0.0), ~mask, channel_axis=-1)
            for after in AFTER:
                smooth = gaussian_filter(filled, (after, after, 0)) if after else filled
                yield {"before": before, "after": after}, smooth

    return best(attempts(), truth)


def laplacian(side):
    """Of a square with free borders, as a sparse matrix over its pixels."""
    steps = scipy.sparse.diags([-np.ones(side - 1), np.ones(side - 1)], [0, 1], shape=(side - 1, side))
    line, one = steps.T @ steps, scipy.sparse.identity(side)
    return scipy.sparse.kron(line, one) + scipy.sparse.kron(one, line)


def spline(y, mask, truth):
    """Smoothing thin-plate spline: least ‖m (x − y)‖² + stiffness · ‖Laplacian x‖², the biharmonic way with noise."""
    bending = laplacian(len(mask))
    bending = bending.T @ bending
    measured = scipy.sparse.diags(mask.ravel().astype(float))
    data = np.where(mask[:, :, None], y, 0.0).reshape(-1, 3)

    def attempts():
        for stiffness in STIFFNESS:
            matrix = (measured + stiffness * bending).tocsc()
            factors = splu(matrix, permc_spec="MMD_AT_PLUS_A", options={"SymmetricMode": True})
            yield {"stiffness": stiffness}, factors.solve(data).reshape(y.shape)

    return best(attempts(), truth)


def tv(y, mask, truth):
    """Total variation from the best Gaussian interpolation; best weight, and best number of iterations, too.

    Run to the end it keeps spikes at single measured pixels, and stopping early is better: the rival may.
    """
    start = normalised_convolution(y, mask, gaussian(y, mask, truth)[1]["width"])

    def attempts():
        for weight in TV_WEIGHTS:
            for iterations, x in tv_iterates(y, mask, weight, start):
                yield {"weight": weight, "iterations": iterations}, x

    return best(attempts(), truth)


def tv_iterates(y, mask, weight, start):
    """(k, x) for k in TV_ITERATIONS: Chambolle and Pock's for ½ ‖m (x − y)‖² + weight · TV(x), vectorial TV."""
    step = np.float32(0.35)  # of both variables: step² · 8 < 1
    m = mask[:, :, None].astype(np.float32)
    data = step * m * y.astype(np.float32)
    x = start.astype(np.float32)
    ahead, dual = x.copy(), np.zeros((2, *x.shape), np.float32)
    for k in range(1, max(TV_ITERATIONS) + 1):
        dual[0, :-1] += step * (ahead[1:] - ahead[:-1])
        dual[1, :, :-1] += step * (ahead[:, 1:] - ahead[:, :-1])
        length = np.sqrt(np.einsum("dijc,dijc->ij", dual, dual))
        dual /= np.maximum(1, length / np.float32(weight))[:, :, None]
        divergence = dual[0] + dual[1]
        divergence[1:] -= dual[0, :-1]
        divergence[:, 1:] -= dual[1, :, :-1]
        new = (x + step * divergence + data) / (1 + step * m)
        ahead, x = 2 * new - x, new
        if k in TV_ITERATIONS:
            yield k, x.astype(np.float64)


METHODS = {
    "Gaussian interpolation": gaussian,
    "biharmonic": biharmonic,
    "thin-plate spline": spline,
    "total variation": tv,
}
