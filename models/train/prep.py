"""Augmented features to disk, float16, for train.py.

usage: prep.py OUT SEED NAME ... [--copies 1] [--clean]

NAME is what unpack.py or synth.py wrote. OUT.f16 holds the features, OUT.idx one line per utterance, and OUT.ok appears
when the chunk is complete, so that training may run beside it. --clean: no augmentation, for the dev sets.
"""

import argparse
import json

import numpy as np

import augment
import feats
import g2p

SILENT = 0.02  # share of the chunk that is background without speech: the network must answer with blanks


def load(names):
    items = []
    for name in names:
        raw = np.memmap(name + ".raw", np.int16, "r")
        items += [(raw, json.loads(line)) for line in open(name + ".jsonl", encoding="utf-8")]
    return items


def samples(item):
    raw, d = item
    return raw[d["o"] : d["o"] + d["n"]].astype(np.float64) / 32768


def clean(x, r):
    return np.concatenate([np.zeros(1600), x * 0.5, np.zeros(2400)]) + r.standard_normal(len(x) + 4000) * 1e-4


def main():
    p = argparse.ArgumentParser()
    p.add_argument("out")
    p.add_argument("seed", type=int)
    p.add_argument("names", nargs="+")
    p.add_argument("--copies", type=int, default=1)
    p.add_argument("--clean", action="store_true")
    a = p.parse_args()
    items, r, frames = load(a.names), np.random.default_rng(a.seed), 0
    pool = lambda: samples(items[int(r.integers(len(items)))])
    with open(a.out + ".f16", "wb") as data, open(a.out + ".idx", "w", encoding="utf-8") as index:

        def put(x, text, voice):
            nonlocal frames
            labels, f = "".join(g2p.phones(text)), feats.features(x).astype(np.float16)
            if len(f) / 3 < len(labels) * 1.05 + 2:  # CTC needs an output frame per phone
                return
            f.tofile(data)
            index.write(json.dumps(dict(o=frames, T=len(f), l=labels, t=text, v=voice), ensure_ascii=False) + "\n")
            frames += len(f)

        for k in [int(k) for _ in range(a.copies) for k in r.permutation(len(items))]:
            x, d = samples(items[k]), items[k][1]
            put(clean(x, r) if a.clean else augment.augment(x, r, pool), d["t"], d["v"])
            if not a.clean and r.random() < SILENT:
                put(augment.background(r), "", "background")
    open(a.out + ".ok", "w").close()
    print(a.out, round(frames / 360000, 2), "hours", flush=True)


if __name__ == "__main__":
    main()
