"""CTC training on the CPU.

usage: train.py OUT.pt MINUTES CHUNK ... [--init X.pt | X.bin] [--lr 2e-3] [--channels 192] [--threads 2] [--bf16] [--dev NAME ...]

CHUNK is what prep.py wrote, or a quoted pattern; chunks that become ready later join at the next pass. OUT.pt is the
average of the weights over the last fifth of the run, OUT.last.pt the last ones.
"""

import argparse
import glob
import json
import math
import os
import random
import time

import numpy as np
import torch
import torch.nn.functional as F

import g2p
import network
import resume
from measure import edit, greedy

BUCKET = 48  # frames; few different batch shapes, for the convolution kernels are compiled per shape
SHORTEST, LONGEST = 20, 960


def load(name):
    data = np.memmap(name + ".f16", np.float16, "r").reshape(-1, 40)
    return [(data, json.loads(line)) for line in open(name + ".idx", encoding="utf-8")]


def batches(items, frames, rng=None):
    """Batches of about `frames` frames; with `rng` shuffled and all of the same shape within a bucket."""
    buckets = {}
    for item in items:
        t = item[1]["T"]
        if SHORTEST <= t <= LONGEST:
            buckets.setdefault(math.ceil(t / BUCKET) * BUCKET, []).append(item)
    out = []
    for t, members in sorted(buckets.items()):
        n = max(1, frames // t)
        if rng:
            rng.shuffle(members)
            if len(members) < n:
                continue
        for i in range(0, len(members), n):
            batch = members[i : i + n]
            out.append(batch + members[: n - len(batch)] if rng else batch)
    if rng:
        rng.shuffle(out)
    return out


def collate(batch):
    t = math.ceil(max(d["T"] for _, d in batch) / BUCKET) * BUCKET
    f = np.zeros((len(batch), t, 40), np.float32)
    for i, (data, d) in enumerate(batch):
        f[i, : d["T"]] = data[d["o"] : d["o"] + d["T"]]
    labels = [g2p.PID[p] for _, d in batch for p in d["l"]]
    lengths = torch.tensor([len(d["l"]) for _, d in batch])
    return torch.from_numpy(f), torch.tensor([d["T"] for _, d in batch]), torch.tensor(labels), lengths


def warp(f):
    """Another vocal tract: the mel axis stretched and shifted."""
    b, t, _ = f.shape
    at = torch.arange(40.0)[None] * torch.empty(b, 1).uniform_(0.92, 1.09) + torch.empty(b, 1).uniform_(-0.8, 0.8)
    at = at.clamp(0, 38.999)
    low, w = at.floor().long(), (at - at.floor())[:, None]
    take = lambda i: torch.gather(f, 2, i[:, None].expand(b, t, 40))
    return take(low) * (1 - w) + take(low + 1) * w


def tilt(f):
    """Another channel: a smooth offset over the mel bands."""
    b, u = len(f), torch.linspace(-1, 1, 40)[None]
    wave = torch.sin(3.14 * u * torch.empty(b, 1).uniform_(0.5, 2))
    n = lambda s: torch.randn(b, 1) * s
    return f + (n(0.25) * u + n(0.2) * (u**2 - 0.33) + n(0.15) * wave + n(0.1))[:, None]


def mask(f, lengths):
    """SpecAugment: two bands of up to 7 mels, and up to 130 ms about every 1.3 s."""
    b, t, _ = f.shape
    mel, time_ = torch.arange(40)[None], torch.arange(t)[None]
    for _ in range(2):
        n, s = torch.randint(0, 8, (b, 1)), torch.randint(0, 38, (b, 1))
        f = f.masked_fill(((mel >= s) & (mel < s + n))[:, None], 0.0)
    for _ in range(max(1, t // 130)):
        n, s = torch.randint(0, 14, (b, 1)), (torch.rand(b, 1) * lengths[:, None]).long()
        f = f.masked_fill(((time_ >= s) & (time_ < s + n))[..., None], 0.0)
    return f


def phone_error_rate(net, items):
    net.eval()
    wrong = total = 0
    with torch.no_grad():
        for b in batches(items, 20000):
            ids = net(collate(b)[0]).argmax(2)
            for i, (_, d) in enumerate(b):
                wrong += edit(greedy(ids[i, : network.output_frames(d["T"])].tolist()), d["l"])
                total += len(d["l"])
    net.train()
    return round(wrong / total, 4)


class Average:
    """Running mean of the weights."""

    def __init__(self):
        self.n, self.sum = 0, {}

    def add(self, net):
        self.n += 1
        for k, v in net.state_dict().items():
            self.sum[k] = self.sum.get(k, 0) + v.double()

    def weights(self, net):
        return {k: (self.sum[k] / self.n).to(v.dtype) for k, v in net.state_dict().items()}


def arguments():
    p = argparse.ArgumentParser()
    p.add_argument("out")
    p.add_argument("minutes", type=float)
    p.add_argument("chunks", nargs="+")
    p.add_argument("--init")
    p.add_argument("--lr", type=float, default=2e-3)
    p.add_argument("--channels", type=int, default=192)
    p.add_argument("--frames", type=int, default=16000, help="frames of 10 ms per step")
    p.add_argument("--threads", type=int, default=2)
    p.add_argument("--threads-file", help="a file with the number of threads, read again every 50 steps")
    p.add_argument("--bf16", action="store_true")
    p.add_argument("--seed", type=int, default=0)
    p.add_argument("--dev", nargs="*", default=[])
    return p.parse_args()


def step(net, optimiser, batch, bf16):
    f, t, labels, lengths = collate(batch)
    f = mask(tilt(warp(f)), t)
    with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
        y = net(f)
    lp = y.float().log_softmax(2).transpose(0, 1)
    out = torch.div(t - 1, 3, rounding_mode="floor") + 1
    loss = F.ctc_loss(lp, labels, out, lengths, zero_infinity=True, reduction="sum") / lengths.sum()
    optimiser.zero_grad()
    loss.backward()
    torch.nn.utils.clip_grad_norm_(net.parameters(), 5.0)
    optimiser.step()
    return loss.item(), int(t.sum())


def ready(patterns):
    return sorted({n[:-3] for c in patterns for n in glob.glob(c + ".ok")})


def begin(a, rng):
    if not a.init:
        return network.Tcn(a.channels)
    if a.init.endswith(".bin"):
        return resume.load(a.init, collate(batches(load(ready(a.chunks)[0]), a.frames, rng)[0])[0]).train()
    saved = torch.load(a.init)
    net = network.Tcn(saved["c"])
    net.load_state_dict(saved["sd"])
    return net


def main():
    a = arguments()
    torch.set_num_threads(a.threads)
    torch.manual_seed(a.seed)
    rng, average = random.Random(a.seed), Average()
    net = begin(a, rng)
    optimiser = torch.optim.AdamW(net.parameters(), lr=a.lr, weight_decay=1e-3, betas=(0.9, 0.98))
    dev = {os.path.basename(k): load(k) for k in a.dev}
    began, steps, frames, mean, part = time.time(), 0, 0, None, 0.0
    while part < 1:
        names = ready(a.chunks)
        items = [item for n in names for item in load(n)]
        print("pass over", [os.path.basename(n) for n in names], len(items), flush=True)
        for batch in batches(items, a.frames, rng):
            part = (time.time() - began) / (a.minutes * 60)
            if part >= 1:
                break
            rate = a.lr * min(1, (steps + 1) / 200) * (0.5 + 0.5 * math.cos(math.pi * part)) + 1e-6
            for g in optimiser.param_groups:
                g["lr"] = rate
            loss, n = step(net, optimiser, batch, a.bf16)
            steps, frames, mean = steps + 1, frames + n, loss if mean is None else 0.98 * mean + 0.02 * loss
            if part > 0.8 and steps % 20 == 0:
                average.add(net)
            if steps % 50 == 0:
                print(
                    f"step {steps} loss {mean:.3f} lr {rate:.5f} {time.time() - began:.0f} s {frames / 360000:.1f} h", flush=True
                )
                if a.threads_file and os.path.exists(a.threads_file):
                    torch.set_num_threads(int(open(a.threads_file).read()))
            if steps % 500 == 0:
                print("  PER", {k: phone_error_rate(net, v[:300]) for k, v in dev.items()}, flush=True)
                torch.save(dict(sd=net.state_dict(), c=net.out.in_channels), a.out + ".part")
    last = net.state_dict()
    torch.save(dict(sd=last, c=net.out.in_channels), a.out.removesuffix(".pt") + ".last.pt")
    print("last", {k: phone_error_rate(net, v) for k, v in dev.items()})
    if average.n:
        net.load_state_dict(average.weights(net))
    torch.save(dict(sd=net.state_dict(), c=net.out.in_channels), a.out)
    print(
        "average of",
        average.n,
        {k: phone_error_rate(net, v) for k, v in dev.items()},
        steps,
        "steps",
        round(frames / 360000, 1),
        "h",
    )


if __name__ == "__main__":
    main()
