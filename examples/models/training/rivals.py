"""Classical denoisers that the network is measured against, and a file that keeps their figures.

    python rivals.py --out rivals.json              # all of them, about ten minutes on one core
    python rivals.py --out rivals.json --methods tv,nlm

Colour BM3D gets the true noise level and its normal profile. Total variation and non-local means get the best weight
of a grid, chosen against the truth for each picture and noise level. Noise and pictures are those of evaluate.py.
"""
import argparse
import json
import os
from importlib.metadata import version

import numpy as np

import photographs

SIGMAS = (0.05, 0.1, 0.2, 0.5, 1.0)
SIZE = 256
SEED = 2024
TV_WEIGHTS = (0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.95, 1.1, 1.3, 1.6, 2.0)  # times sigma
NLM_STRENGTHS = (0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)  # h, times sigma
NLM_PATCHES = (5, 7)  # side in pixels


def noisy(name, sigma):
    """(truth, truth + sigma · noise) of one photograph; every pair of the two has its own fixed noise."""
    truth = photographs.load(name, SIZE)
    rng = np.random.default_rng([SEED, photographs.NAMES.index(name), round(1000 * sigma)])
    return truth, truth + sigma * rng.standard_normal(truth.shape)


def bm3d(y, sigma, truth):
    """Colour BM3D in the range [0, 1] that it is written for."""
    from bm3d import bm3d_rgb

    return photographs.psnr(2 * bm3d_rgb(y / 2 + 0.5, sigma / 2) - 1, truth)


def tv(y, sigma, truth):
    """Total variation, Chambolle's algorithm, best weight."""
    from skimage.restoration import denoise_tv_chambolle

    run = lambda weight: denoise_tv_chambolle(y, weight=weight * sigma, eps=1e-6, max_num_iter=300, channel_axis=-1)
    return max(photographs.psnr(run(weight), truth) for weight in TV_WEIGHTS)


def nlm(y, sigma, truth):
    """Non-local means in 23×23 windows, noise level given, best h and patch size."""
    from skimage.restoration import denoise_nl_means

    run = lambda patch, h: denoise_nl_means(y, patch, 11, h=h * sigma, sigma=sigma, fast_mode=True, channel_axis=-1)
    return max(photographs.psnr(run(patch, h), truth) for patch in NLM_PATCHES for h in NLM_STRENGTHS)


METHODS = {"bm3d": bm3d, "tv": tv, "nlm": nlm}


def setting():
    """What the figures depend on: a file with another setting is not used."""
    return {"size": SIZE, "seed": SEED, "sigmas": list(SIGMAS), "photographs": list(photographs.NAMES)}


def measure(method, report=print):
    """{photograph: [PSNR for each of SIGMAS]}."""
    figures = {}
    for name in photographs.NAMES:
        figures[name] = []
        for sigma in SIGMAS:
            truth, y = noisy(name, sigma)
            figures[name].append(round(METHODS[method](y, sigma, truth), 3))
        report(f"{method} {name}: {figures[name]}", flush=True)
    return figures


def load_or_measure(path, methods):
    """{method: {photograph: [PSNR]}} from the file at path; what it lacks is measured and added to it."""
    kept = {"setting": setting(), "versions": {}, "psnr": {}}
    if os.path.exists(path):
        with open(path) as file:
            kept = json.load(file)
        if kept["setting"] != setting():
            raise SystemExit(f"{path} holds figures of another setting: {kept['setting']}; remove it to measure again")
    for method in methods:
        if method not in kept["psnr"]:
            kept["psnr"][method] = measure(method)
            packages = ("bm3d", "numpy") if method == "bm3d" else ("scikit-image", "numpy")
            kept["versions"][method] = {name: version(name) for name in packages}
            with open(path, "w") as file:
                json.dump(kept, file, indent=1, sort_keys=True)
                file.write("\n")
    return {method: kept["psnr"][method] for method in methods}


def versions(path):
    """{method: {package: version}} of the figures in the file at path."""
    if not os.path.exists(path):
        return {}
    with open(path) as file:
        return json.load(file)["versions"]


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--out", required=True, help="JSON file; figures that it already holds are kept")
    options.add_argument("--methods", default=",".join(METHODS), help="of " + ",".join(METHODS))
    o = options.parse_args()
    for method, figures in load_or_measure(o.out, o.methods.split(",")).items():
        print(method, np.round(np.mean(list(figures.values()), axis=0), 2))


if __name__ == "__main__":
    main()
