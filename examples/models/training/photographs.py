"""The held-out photographs that scikit-image carries inside its package, cut to squares for evaluation.

    import photographs
    x = photographs.load("astronaut", 256)      # float64, (256, 256, 3), in [-1, 1]

The central square is averaged down by exact area weights, so the pictures are the same wherever they are made. The grey
one has three equal channels. None of them is ever trained on.
"""
import numpy as np
from skimage import data

NAMES = ("astronaut", "chelsea", "coffee", "rocket", "motorcycle_left", "camera")
RANGE = 2.0  # of the pixel values, [-1, 1]


def load(name, size=256):
    """One photograph, float64, (size, size, 3), in [-1, 1]."""
    picture = data.stereo_motorcycle()[0] if name == "motorcycle_left" else getattr(data, name)()
    if picture.ndim == 2:
        picture = np.repeat(picture[:, :, None], 3, axis=2)
    height, width = picture.shape[:2]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    square = picture[top : top + side, left : left + side, :3] / 127.5 - 1.0
    weights = area_weights(side, size)
    return np.einsum("ip,pqc,jq->ijc", weights, square, weights, optimize=True)


def area_weights(source, target):
    """(target, source): the part of each target pixel that each source pixel covers; every row sums to one."""
    edges = np.arange(target + 1) * (source / target)
    pixels = np.arange(source)
    overlap = np.minimum(edges[1:, None], pixels + 1) - np.maximum(edges[:-1, None], pixels)
    return np.clip(overlap, 0.0, None) * (target / source)


def psnr(estimate, truth):
    """10 log10(range² / MSE) in dB, without clipping the estimate."""
    return float(10 * np.log10(RANGE**2 / np.mean((estimate - truth) ** 2)))
