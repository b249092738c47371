"""Fit the prior of the firmware to pictures that are made here: `python3 fit.py > c/prior.h`, needs numpy.

The prior is Gaussian with independent coefficients of the discrete cosine transform, each with the mean square that it has in
the pictures, smoothed over those of similar frequency; its MMSE denoiser is exact. A picture is a sum of four soft spots,
as the one that the firmware restores, with random places, widths and signs.
"""

import numpy as np

SIDE, PICTURES = 32, 20_000


def pictures(rng):
    places = rng.uniform(0, SIDE, (PICTURES, 4, 2))
    squares = rng.uniform(4, 10, (PICTURES, 4)) ** 2
    heights = rng.uniform(-1, 1, (PICTURES, 4))
    rows, columns = np.mgrid[:SIDE, :SIDE]
    picture = np.zeros((PICTURES, SIDE, SIDE))
    for spot in range(4):
        down = rows - places[:, spot, 0, None, None]
        right = columns - places[:, spot, 1, None, None]
        falls = squares[:, spot, None, None] / (squares[:, spot, None, None] + down**2 + right**2)
        picture += heights[:, spot, None, None] * falls**2
    return picture


def table(name, values, per_line=8):
    print(f"static const float {name}[{values.size}] = {{")
    values = [f"{value:.8e}F" for value in values.ravel().astype(np.float32)]
    for start in range(0, len(values), per_line):
        print("    " + ", ".join(values[start : start + per_line]) + ",")
    print("};\n")


k, i = np.mgrid[:SIDE, :SIDE]
basis = np.sqrt(2 / SIDE) * np.cos(np.pi * k * (2 * i + 1) / (2 * SIDE))
basis[0] /= np.sqrt(2)
found = pictures(np.random.default_rng(1))
energy = ((basis @ found @ basis.T) ** 2).mean(0)
radius = np.rint(np.hypot(*np.mgrid[:SIDE, :SIDE])).astype(int)
spectrum = np.bincount(radius.ravel(), energy.ravel()) / np.bincount(radius.ravel())
print("/* Made by ../fit.py: the cosine transform, and the variance of each coefficient. */")
print("#ifndef PRIOR_H\n#define PRIOR_H\n")
print(f"/* Of a pixel. */\nstatic const double VARIANCE = {spectrum[radius].mean():.6f};\n")
print("/* [frequency, pixel] */")
table("BASIS", basis)
print("/* By the distance of the frequency from 0, rounded. */")
table("SPECTRUM", spectrum)
print("/* The row of SPECTRUM for each frequency, [down, right]. */")
print(f"static const unsigned char RADIUS[{SIDE * SIDE}] = {{")
for row in radius:
    print("    " + ", ".join(map(str, row)) + ",")
print("};\n")
print("#endif")
