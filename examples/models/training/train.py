"""Train the denoiser on the pictures that leaves.py made.

    python train.py --data DIR --out DIR --minutes 60 --processes 2

The learning rate follows the clock, so that a run ends when it should on any machine; a run that was stopped goes on
from its last checkpoint. Writes checkpoint.pt and log.csv (minutes, step, patches, loss by octave of sigma).
"""
import argparse
import csv
import glob
import math
import os
import time

import numpy as np
import torch
import torch.distributed as dist

from network import SIGMA_DATA, Network, scalings

SIGMA_MIN, SIGMA_MAX = 0.008, 50.0


def patches(blocks, rng, count, size):
    """Random crops, a quarter of them halved in size, with flips, transposition, channel permutation and some grey."""
    batch = np.empty((count, size, size, 3), np.float32)
    for i in range(count):
        block = blocks[rng.integers(len(blocks))]
        wide = size * 2 if rng.random() < 0.25 else size
        y, x = rng.integers(0, block.shape[1] - wide + 1, 2)
        crop = block[rng.integers(len(block)), y : y + wide, x : x + wide].astype(np.float32)
        if wide > size:
            crop = crop.reshape(size, 2, size, 2, 3).mean((1, 3))
        crop = crop[:: rng.choice([-1, 1]), :: rng.choice([-1, 1])]
        if rng.random() < 0.5:
            crop = crop.transpose(1, 0, 2)
        crop = crop[:, :, rng.permutation(3)]
        if rng.random() < 0.1:
            crop = crop.mean(2, keepdims=True)
        batch[i] = crop
    return torch.from_numpy(batch).permute(0, 3, 1, 2) / 127.5 - 1  # channels_last in memory


def noise_levels(rng, count):
    """Three quarters log-normal(-1.2, 1.3), one quarter log-uniform over the domain, both stratified."""
    u = (rng.permutation(count) + rng.random(count)) / count
    u = torch.from_numpy(u).float()
    normal = torch.exp(-1.2 + 1.3 * math.sqrt(2) * torch.erfinv(2 * u.clamp(1e-4, 1 - 1e-4) - 1))
    uniform = SIGMA_MIN * (SIGMA_MAX / SIGMA_MIN) ** u
    pick = torch.from_numpy(rng.random(count)) < 0.75
    return torch.where(pick, normal, uniform).clamp(SIGMA_MIN, SIGMA_MAX)


def orthogonalise(matrix):
    """The nearest semi-orthogonal matrix, roughly, by five quintic Newton–Schulz steps."""
    x = matrix.bfloat16()
    wide = x if x.shape[0] <= x.shape[1] else x.T
    wide = wide / (wide.norm() + 1e-7)
    for _ in range(5):
        gram = wide @ wide.T
        wide = 3.4445 * wide + (-4.7750 * gram + 2.0315 * gram @ gram) @ wide
    return (wide if x.shape[0] <= x.shape[1] else wide.T).float()


class Optimiser:
    """Muon for the inner convolutions, Adam for the rest; gradients are averaged over the processes."""

    def __init__(self, network, rank, world):
        self.rank, self.world, self.step_count = rank, world, 0
        named = list(network.named_parameters())
        is_inner = lambda name, p: p.ndim == 4 and not name.startswith(("stem", "head"))
        self.inner = [p for name, p in named if is_inner(name, p)]
        self.rest = [p for name, p in named if not is_inner(name, p)]
        self.momentum = [torch.zeros_like(p) for p in self.inner]
        self.adam = torch.optim.Adam(self.rest, lr=1e-3, betas=(0.9, 0.99), eps=1e-10)

    def average(self, tensors):
        if self.world == 1:
            return
        flat = torch.cat([t.reshape(-1) for t in tensors])
        dist.all_reduce(flat)
        flat /= self.world
        offset = 0
        for t in tensors:
            t.copy_(flat[offset : offset + t.numel()].view_as(t))
            offset += t.numel()

    def step(self, rate):
        with torch.no_grad():
            self.average([p.grad for p in self.inner + self.rest])
            for group in self.adam.param_groups:
                group["lr"] = 2e-3 * rate
            self.adam.step()
            updates = []
            for i, (p, m) in enumerate(zip(self.inner, self.momentum)):
                m.mul_(0.95).add_(p.grad)
                update = torch.zeros_like(p)
                if i % self.world == self.rank:  # each process orthogonalises its share
                    direction = (p.grad + 0.95 * m).reshape(p.shape[0], -1)
                    scale = max(1, direction.shape[0] / direction.shape[1]) ** 0.5
                    update.copy_((orthogonalise(direction) * scale * self.world).reshape(p.shape))
                updates.append(update)
            self.average(updates)
            for p, update in zip(self.inner, updates):
                p.add_(update, alpha=-0.015 * rate)
            for p in self.inner + self.rest:
                p.grad = None

    def state(self):
        return {"adam": self.adam.state_dict(), "momentum": self.momentum}

    def load(self, state):
        self.adam.load_state_dict(state["adam"])
        for m, saved in zip(self.momentum, state["momentum"]):
            m.copy_(saved)


def learning_rate(progress, step):
    return min(1, (step + 1) / 100) * (0.5 + 0.5 * math.cos(math.pi * min(progress, 1)))


def worker(rank, o):
    torch.set_num_threads(1)
    if o.processes > 1:
        dist.init_process_group("gloo", init_method=f"file://{o.out}/rendezvous-{os.getppid()}", rank=rank, world_size=o.processes)
    torch.manual_seed(o.seed)
    network = Network().to(memory_format=torch.channels_last)
    average = [p.detach().clone() for p in network.parameters()]
    optimiser, step, elapsed, patch_count = Optimiser(network, rank, o.processes), 0, 0.0, 0
    path = os.path.join(o.out, "checkpoint.pt")
    if os.path.exists(path):
        saved = torch.load(path)
        network.load_state_dict(saved["network"])
        average = [saved["average"][name].clone() for name, _ in network.named_parameters()]
        optimiser.load(saved["optimiser"])
        step, elapsed, patch_count = saved["step"], saved["elapsed"], saved["patches"]
    rng = np.random.default_rng([o.seed, rank, step])
    compiled = torch.compile(network, dynamic=False)
    sums, log_time, start = np.zeros((13, 2)), time.time(), time.time() - elapsed
    blocks, scanned = [], -1e9
    while True:
        if time.time() - scanned > 120:  # the renderer may still be adding pictures
            files = sorted(f for f in glob.glob(os.path.join(o.data, "*.npy")) if not f.endswith(".part.npy"))
            blocks, scanned = [np.load(f, mmap_mode="r") for f in files], time.time()
        clock = torch.tensor([time.time() - start])
        if o.processes > 1:
            dist.broadcast(clock, 0)
        elapsed = clock.item()
        progress = elapsed / (60 * o.minutes)
        count, size = (o.batch, 64) if step % 3 else (o.batch // 4, 128)
        clean, sigma = patches(blocks, rng, count, size), noise_levels(rng, count)
        wide = sigma[:, None, None, None]
        noise = torch.from_numpy(rng.standard_normal(clean.shape, np.float32))
        noisy = clean + wide * noise.contiguous(memory_format=torch.channels_last)
        skip, out, scale, label = (v[:, None, None, None] for v in scalings(sigma))
        target = (clean - skip * noisy) / out
        with torch.autocast("cpu", torch.bfloat16):
            raw = compiled(scale * noisy, label[:, 0, 0, 0])
        errors = ((raw.float() - target) ** 2).mean((1, 2, 3))
        errors.mean().backward()
        optimiser.step(learning_rate(progress, step))
        decay = min(0.998, (step + 1) / (step + 10))
        torch._foreach_lerp_(average, [p.detach() for p in network.parameters()], 1 - decay)
        step, patch_count = step + 1, patch_count + o.processes * count * size**2 // 64**2
        octave = np.clip(np.floor(np.log2(sigma.numpy() / SIGMA_MIN)).astype(int), 0, 12)
        np.add.at(sums, octave, np.stack([errors.detach().numpy(), np.ones(count)], 1))
        done = progress >= 1
        if rank == 0 and (time.time() - log_time > 60 or done):
            log_time = time.time()
            report(o.out, elapsed / 60, step, patch_count, sums)
            sums[:] = 0
            names = [name for name, _ in network.named_parameters()]
            state = {"network": network.state_dict(), "average": dict(zip(names, average)), "optimiser": optimiser.state(),
                     "step": step, "elapsed": elapsed, "patches": patch_count, "minutes": o.minutes, "seed": o.seed}
            torch.save(state, path + ".part")
            os.replace(path + ".part", path)
        if done:
            break


def report(folder, minutes, step, patch_count, sums):
    """Append one line to log.csv: the weighted loss, then by octave of sigma from SIGMA_MIN up."""
    path, new = os.path.join(folder, "log.csv"), False
    new = not os.path.exists(path)
    with open(path, "a", newline="") as file:
        out = csv.writer(file)
        if new:
            out.writerow(["minutes", "step", "patches", "loss"] + [f"{SIGMA_MIN * 2**i:.3g}" for i in range(len(sums))])
        octaves = [f"{a / n:.4f}" if n else "" for a, n in sums]
        out.writerow([f"{minutes:.1f}", step, patch_count, f"{sums[:, 0].sum() / sums[:, 1].sum():.5f}"] + octaves)


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--data", required=True)
    options.add_argument("--out", required=True)
    options.add_argument("--minutes", type=float, default=60)
    options.add_argument("--processes", type=int, default=2)
    options.add_argument("--batch", type=int, default=32, help="patches of 64x64 a process and step")
    options.add_argument("--seed", type=int, default=1)
    o = options.parse_args()
    os.makedirs(o.out, exist_ok=True)
    if o.processes > 1:
        torch.multiprocessing.spawn(worker, (o,), o.processes)
    else:
        worker(0, o)


if __name__ == "__main__":
    main()
