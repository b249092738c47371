"""Training pictures made by a program: dead leaves with shading, textures and depth, and nested-ellipse phantoms.

    python leaves.py --out DIR --images 2000 --size 384 --seed 1

writes DIR/leaves-<seed>-<n>.npy, blocks of 50 pictures, uint8, (50, size, size, 3). The occlusion model is the dead
leaves model of Matheron, with the parameters that Achddou, Gousseau and Ladjal ("Fully synthetic training for image
restoration tasks") found to suit photographs: radii from a power law, drawn front to back.
"""
import argparse
import os

import numpy as np
from numba import njit
from scipy.ndimage import gaussian_filter, zoom

BLOCK = 50
TEXTURE = 512


def textures(rng, count):
    """Periodic zero-mean, unit-variance fields: 1/f noise, band-pass noise, warped sinusoids, blotches."""
    fy, fx = np.meshgrid(np.fft.fftfreq(TEXTURE), np.fft.rfftfreq(TEXTURE), indexing="ij")
    yy, xx = np.mgrid[0:TEXTURE, 0:TEXTURE] * (2 * np.pi / TEXTURE)
    bank = []
    for _ in range(count):
        angle, stretch = rng.uniform(0, np.pi), np.exp(rng.uniform(0, 1.6))
        u = fx * np.cos(angle) + fy * np.sin(angle)
        v = (-fx * np.sin(angle) + fy * np.cos(angle)) * stretch
        f = np.sqrt(u * u + v * v) + 1e-9
        noise = np.fft.rfft2(rng.standard_normal((TEXTURE, TEXTURE)))
        kind = rng.integers(4)
        if kind == 0:
            field = np.fft.irfft2(noise * np.maximum(f, 2 / TEXTURE) ** -rng.uniform(0.5, 1.8))
        elif kind == 1:
            centre = np.exp(rng.uniform(np.log(0.02), np.log(0.2)))
            field = np.fft.irfft2(noise * np.exp(-((f / centre - 1) ** 2) / (2 * rng.uniform(0.05, 0.5) ** 2)))
        else:
            warp = np.fft.irfft2(noise * np.exp(-((f / 0.02) ** 2)))
            warp /= warp.std() + 1e-9
            if kind == 2:
                kx, ky = rng.integers(-60, 61, 2)
                field = np.sin(kx * xx + ky * yy + rng.uniform(0, 3) * warp)
            else:
                field = np.tanh(rng.uniform(1, 6) * (warp - rng.uniform(-1, 1)))
        field = field - field.mean()
        bank.append((field / (field.std() + 1e-9)).clip(-3, 3).astype(np.float32))
    return np.stack(bank)


@njit(cache=True)
def inside(kind, u, v, p):
    """Is the point (u, v) of a leaf's own frame (radius 1) on the leaf?"""
    if kind == 0:
        return u * u + v * v < 1
    if kind == 1:
        return abs(u) < 0.9 and abs(v) < 0.9
    rho = np.sqrt(u * u + v * v)
    if kind == 2:
        theta = np.arctan2(v, u)
        edge = 0.75 + 0.12 * np.cos(2 * theta + p[0]) + 0.1 * p[1] * np.cos(3 * theta + p[2]) + 0.1 * np.cos(5 * theta + p[3]) * p[4]
        return rho < edge
    if kind == 3:
        return v > -0.5 and 1.732 * u + v < 1 and -1.732 * u + v < 1
    if kind == 4:
        return rho < 1 and rho > 0.5 + 0.45 * p[4]
    if kind == 5:
        q = 0.7 + 3 * p[4]
        return abs(u) ** q + abs(v) ** q < 1
    return abs(u) < 1 and abs(v - 0.35 * np.sin(3 * p[1] * u + p[0])) < 0.05 + 0.3 * p[4]


@njit(cache=True)
def shade(bank, t, tu, tv):
    """The texture t at (tu, tv), bilinear and periodic."""
    n = bank.shape[1]
    fu, fv = np.floor(tu), np.floor(tv)
    a, b = tu - fu, tv - fv
    i, j = int(fu) % n, int(fv) % n
    i1, j1 = (i + 1) % n, (j + 1) % n
    return (bank[t, i, j] * (1 - a) + bank[t, i1, j] * a) * (1 - b) + (bank[t, i, j1] * (1 - a) + bank[t, i1, j1] * a) * b


@njit(cache=True)
def leaf(canvas, open_, bank, palette, r_min, exponent, textured, seed):
    """Draw one leaf where nothing lies yet; the number of pixels it covered."""
    np.random.seed(seed)
    n = canvas.shape[0]
    r_max = n * 0.55
    e = 1 - exponent
    r = (r_min**e + np.random.random() * (r_max**e - r_min**e)) ** (1 / e)
    kind = np.random.randint(7)
    aspect = np.exp(-abs(np.random.normal()) * 0.5) if np.random.random() < 0.7 else np.exp(-2.5 * np.random.random())
    angle = np.random.random() * np.pi * (1 if np.random.random() < 0.8 else 0)
    c, s = np.cos(angle), np.sin(angle)
    cy, cx = np.random.random() * (n + r) - r / 2, np.random.random() * (n + r) - r / 2
    p = np.random.random(5)
    p[0] *= 6.28
    p[2] *= 6.28
    p[3] *= 6.28
    p[1] = p[1] * 2 - 0.5
    colour = palette[np.random.randint(palette.shape[0])] + 0.05 * np.random.normal(0, 1, 3)
    slope = np.random.normal(0, 0.12, 2) if np.random.random() < 0.6 else np.zeros(2)
    radial = np.random.normal(0, 0.15) if np.random.random() < 0.3 else 0.0
    t = np.random.randint(bank.shape[0])
    strength = abs(np.random.normal()) * 0.12 if np.random.random() < textured else 0.0
    tint = 1 + 0.25 * np.random.normal(0, 1, 3)
    scale = np.exp(np.random.random() * 2 - 1.2)
    shift = np.random.random(2) * bank.shape[1]
    drawn = 0
    for y in range(max(0, int(cy - r * 1.05)), min(n, int(cy + r * 1.05) + 1)):
        for x in range(max(0, int(cx - r * 1.05)), min(n, int(cx + r * 1.05) + 1)):
            if not open_[y, x]:
                continue
            dy, dx = (y - cy) / r, (x - cx) / r
            u, v = dx * c + dy * s, (-dx * s + dy * c) / aspect
            if u * u + v * v > 2 or not inside(kind, u, v, p):
                continue
            light = slope[0] * dx + slope[1] * dy + radial * (dx * dx + dy * dy)
            if strength > 0:
                light += strength * shade(bank, t, (x * c + y * s) * scale + shift[0], (y * c - x * s) * scale + shift[1])
            for k in range(3):
                canvas[y, x, k] = colour[k] + light * tint[k]
            open_[y, x] = False
            drawn += 1
    return drawn


def scene(rng, n, bank, cover):
    """Leaves front to back on an n × n canvas until the share `cover` of it is covered; the canvas and what is open."""
    canvas = np.zeros((n, n, 3), np.float32)
    open_ = np.ones((n, n), np.bool_)
    palette = rng.uniform(0, 1, (rng.integers(2, 9), 3))
    if rng.random() < 0.8:  # muted colours, as in photographs
        palette = palette.mean(1, keepdims=True) + rng.uniform(0.05, 0.6) * (palette - palette.mean(1, keepdims=True))
    if rng.random() < 0.12:
        palette[:] = palette.mean(1, keepdims=True)
    palette = palette.astype(np.float64)
    exponent = rng.choice([2.3, 2.6, 3.0])
    r_min, textured = np.exp(rng.uniform(np.log(4), np.log(52))), rng.uniform(0, 1)
    left, limit = n * n, (1 - cover) * n * n
    for _ in range(60000):
        if left <= limit:
            break
        left -= leaf(canvas, open_, bank, palette, r_min, exponent, textured, int(rng.integers(2**31)))
    canvas[open_] = palette[0] if cover > 0.99 else 0
    return canvas, open_


def phantom(rng, n):
    """Nested ellipses of constant or slightly shaded grey on a dark ground, as in medical phantoms."""
    yy, xx = (np.mgrid[0:n, 0:n] / n - 0.5) * 2
    image = np.full((n, n), rng.uniform(0, 0.2))
    for depth in range(rng.integers(4, 25)):
        size = 0.9 if depth == 0 else np.exp(rng.uniform(np.log(0.02), np.log(0.6)))
        a, b = size, size * rng.uniform(0.4, 1)
        y0, x0 = (0, 0) if depth == 0 else rng.uniform(-0.6, 0.6, 2)
        t = rng.uniform(0, np.pi)
        u, v = (xx - x0) * np.cos(t) + (yy - y0) * np.sin(t), -(xx - x0) * np.sin(t) + (yy - y0) * np.cos(t)
        image[(u / a) ** 2 + (v / b) ** 2 < 1] = rng.uniform(0, 1)
    return np.repeat(image[:, :, None], 3, 2).astype(np.float32)


def picture(rng, size, bank):
    """One picture, uint8 (size, size, 3)."""
    n = 2 * size
    if rng.random() < 0.06:
        canvas = phantom(rng, n)
    else:
        canvas, _ = scene(rng, n, bank, 0.9995)
        if rng.random() < 0.25:  # a sharp foreground over a background out of focus
            blur = np.exp(rng.uniform(np.log(2), np.log(14)))
            canvas = gaussian_filter(canvas, (blur, blur, 0))
            front, open_ = scene(rng, n, bank, rng.uniform(0.2, 0.7))
            canvas = np.where(open_[:, :, None], canvas, front)
        if rng.random() < 0.4:  # uneven illumination
            light = zoom(rng.standard_normal((3, 3)), n / 3, order=3)[:n, :n]
            canvas = canvas * np.exp(0.25 * light)[:, :, None]
    if rng.random() < 0.35:
        blur = rng.uniform(0.5, 3.0)
        canvas = gaussian_filter(canvas, (blur, blur, 0))
    image = canvas.reshape(size, 2, size, 2, 3).mean((1, 3))
    low, high = np.percentile(image[::4, ::4], [0.5, 99.5])
    image = (image - low) / max(high - low, 0.05)
    contrast = rng.uniform(0.5, 1.05)
    image = (image * contrast + rng.uniform(0, max(0, 1 - contrast))).clip(0, 1) ** np.exp(rng.uniform(-0.4, 0.6))
    return (image * 255 + rng.random(image.shape)).clip(0, 255).astype(np.uint8)


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--out", required=True)
    options.add_argument("--images", type=int, default=2000)
    options.add_argument("--size", type=int, default=384)
    options.add_argument("--seed", type=int, default=1)
    o = options.parse_args()
    os.makedirs(o.out, exist_ok=True)
    bank = textures(np.random.default_rng(o.seed), 96)
    for block in range((o.images + BLOCK - 1) // BLOCK):
        path = os.path.join(o.out, f"leaves-{o.seed}-{block:04d}.npy")
        if os.path.exists(path):
            continue
        rng = np.random.default_rng([o.seed, block])
        images = np.stack([picture(rng, o.size, bank) for _ in range(min(BLOCK, o.images - block * BLOCK))])
        np.save(path + ".part.npy", images)
        os.replace(path + ".part.npy", path)
        print(path, flush=True)


if __name__ == "__main__":
    main()
