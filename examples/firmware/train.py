"""Train the firmware's denoiser on procedural pictures, with one thread.

    python ../models/training/leaves.py --out DIR --images 4000 --size 384 --seed 1
    python train.py --data DIR --checkpoint FILE --minutes 15
    python header.py --checkpoint FILE

A training that was stopped goes on from its checkpoint; the learning rate follows the clock. No photograph is seen.
"""

import argparse
import glob
import math
import os
import time

import numpy as np
import torch

from denoiser import Network, features, scalings

SIDE, SIGMA_MIN, SIGMA_MAX = 32, 0.003, 8.0
AVERAGE = 0.998  # of the weights, a step


def load(folder):
    """One colour of the pictures as grey, as they are and averaged over 2, 3 and 4 pixels each way: [n, side, side]."""
    files = sorted(glob.glob(os.path.join(folder, "*.npy")))
    if not files:
        raise SystemExit(f"no *.npy in {folder}: make them with ../models/training/leaves.py")
    whole = np.concatenate([np.load(file, mmap_mode="r")[..., 1][:, :384, :384] for file in files])
    scales = [whole]
    for factor in (2, 3, 4):
        side = whole.shape[1] // factor
        parts = [
            block[:, : side * factor, : side * factor].reshape(-1, side, factor, side, factor).mean((2, 4))
            for block in np.array_split(whole, 100)
        ]
        scales.append(np.concatenate(parts).round().astype(np.uint8))
    return scales


def patches(scales, rng, count):
    """Random crops in one of eight orientations."""
    batch = np.empty((count, 1, SIDE, SIDE), np.float32)
    for patch in batch:
        pictures = scales[rng.integers(len(scales))]
        row, column = rng.integers(0, pictures.shape[1] - SIDE + 1, 2)
        crop = pictures[rng.integers(len(pictures)), row : row + SIDE, column : column + SIDE]
        crop = crop[:: rng.choice([-1, 1]), :: rng.choice([-1, 1])].astype(np.float32) / 127.5 - 1
        patch[0] = crop.T if rng.random() < 0.5 else crop
    return torch.from_numpy(batch)


def noise_levels(rng, count):
    """Log-normal(-1, 1.3), a tenth near the least, a quarter log-uniform over the domain; stratified."""
    u = (rng.permutation(count) + rng.random(count)) / count
    u = torch.from_numpy(u).float()
    normal = torch.exp(-1.0 + 1.3 * math.sqrt(2) * torch.erfinv(2 * u.clamp(1e-4, 1 - 1e-4) - 1))
    uniform = SIGMA_MIN * (SIGMA_MAX / SIGMA_MIN) ** u
    least = SIGMA_MIN * 4**u
    pick = torch.from_numpy(rng.random(count))
    return torch.where(pick < 0.1, least, torch.where(pick < 0.35, uniform, normal)).clamp(SIGMA_MIN, SIGMA_MAX)


def train(o):
    torch.set_num_threads(1)
    torch.manual_seed(o.seed)
    network = Network().to(memory_format=torch.channels_last)
    average = {name: p.clone() for name, p in network.state_dict().items()}
    adam = torch.optim.Adam(network.parameters(), lr=o.rate, betas=(0.9, 0.99))
    step, before = 0, 0.0
    if os.path.exists(o.checkpoint):
        saved = torch.load(o.checkpoint)
        network.load_state_dict(saved["network"])
        adam.load_state_dict(saved["adam"])
        average, step, before = saved["average"], saved["step"], saved["seconds"]
    rng, scales = np.random.default_rng([o.seed, step]), load(o.data)
    start, told, losses = time.time() - before, 0, []
    while time.time() - start < 60 * o.minutes:
        progress = (time.time() - start) / (60 * o.minutes)
        adam.param_groups[0]["lr"] = o.rate * min(1, (step + 1) / 100) * (0.5 + 0.5 * math.cos(math.pi * progress))
        clean, sigma = patches(scales, rng, o.batch), noise_levels(rng, o.batch)
        noisy = clean + sigma[:, None, None, None] * torch.from_numpy(rng.standard_normal(clean.shape, np.float32))
        skip, out, scale = scalings(sigma)
        loss = ((network(scale * noisy, features(sigma)) - (clean - skip * noisy) / out) ** 2).mean()
        adam.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        adam.step()
        step += 1
        decay = min(AVERAGE, step / (step + 10))
        for name, p in network.state_dict().items():
            average[name].lerp_(p, 1 - decay)
        losses.append(loss.item())
        if time.time() - told > 30:
            told = time.time()
            print(f"{(told - start) / 60:.1f} min, step {step}, loss {np.mean(losses):.4f}", flush=True)
            losses = []
            save(o.checkpoint, network, adam, average, step, told - start)
    save(o.checkpoint, network, adam, average, step, time.time() - start)


def save(path, network, adam, average, step, seconds):
    state = {"network": network.state_dict(), "adam": adam.state_dict(), "average": average}
    torch.save(state | {"step": step, "seconds": seconds}, path + ".part")
    os.replace(path + ".part", path)


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--data", required=True, help="folder with the pictures of leaves.py")
    options.add_argument("--checkpoint", required=True, help="file to write, and to go on from if it is there")
    options.add_argument("--minutes", type=float, default=15)
    options.add_argument("--batch", type=int, default=64)
    options.add_argument("--rate", type=float, default=3e-3)
    options.add_argument("--seed", type=int, default=1)
    train(options.parse_args())


if __name__ == "__main__":
    main()
