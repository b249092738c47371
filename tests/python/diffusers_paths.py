"""Export random networks, and walk them with diffusers' own schedulers: FOLDER/NAME.onnx, NAME-ddim.f32, NAME-ddpm.f32.

A .f32 file is 50 steps of three pictures in the scale of x_t: before the step, its noise, after the step.
"""
import sys

import numpy as np
import torch
from diffusers import DDIMScheduler, DDPMScheduler

sys.path.insert(0, sys.argv[2])
import diffusers_unet2d
import guided_diffusion
from rwt_export import export

STEPS = 50


def walk(predict, side, scheduler, path):
    scheduler.set_timesteps(STEPS)
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(1, 3, side, side, generator=generator)
    noise = torch.zeros_like(x)

    def drawn(shape, **_):
        noise.copy_(torch.randn(shape, generator=generator))
        return noise.clone()

    # the scheduler's noise, so that it can be handed on
    import diffusers.schedulers.scheduling_ddpm as module
    module.randn_tensor = drawn
    with torch.no_grad(), open(path, "wb") as file:
        for t in scheduler.timesteps:
            noise.zero_()
            before = x
            x = scheduler.step(predict(x, t.float()[None]), t, x).prev_sample
            for picture in (before, noise, x):
                file.write(picture.numpy().astype(np.float32).tobytes())


def main():
    folder = sys.argv[1]

    class Options:
        name, licence, source, mean, variance = "random", "CC0-1.0", "", 0, 0.25

    for name in ("small", "cifar10"):
        Options.random = name
        unet, scheduler = diffusers_unet2d.load(Options)
        # a prediction of noise has unit variance; random weights predict little of anything
        unet.conv_out.weight.data *= 3
        export(diffusers_unet2d.Sample(unet), f"{folder}/{name}.onnx", diffusers_unet2d.metadata(unet, scheduler, Options))
        unet.eval()
        both(lambda x, t: unet(x, t, return_dict=False)[0], unet.config.sample_size, scheduler, f"{folder}/{name}")

    network = guided_diffusion.network("small64").eval()
    network.out[2].weight.data *= 3
    export(network, f"{folder}/guided.onnx", guided_diffusion.metadata("small64", Options))
    both(lambda x, t: network(x, t)[:, :3], 64, diffusers_unet2d.DDPM, f"{folder}/guided")


def both(predict, side, scheduler, path):
    walk(predict, side, DDIMScheduler(**scheduler, clip_sample=False, set_alpha_to_one=True), path + "-ddim.f32")
    walk(predict, side, DDPMScheduler(**scheduler, clip_sample=True, variance_type="fixed_small"), path + "-ddpm.f32")


main()
