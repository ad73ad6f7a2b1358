"""One recorded voice -> many speakers, with pitch, formants and tempo moved apart from each other; and words joined to strings.

usage: morph.py FOLDER OUT [--split train|dev|all] [--copies 1] [--short 0] [--joined 0] [--seed 1]

FOLDER and OUT as in unpack.py, whose --warp moves all three together: a woman slowed down until her pitch is a man's has
the vocal tract of a giant. Here the pitch falls to 0.52 and the tract grows by a seventh at most. --short: further copies
of utterances of one or two words. --joined: so many strings of 2 to 5 words that were recorded one by one, mostly digits,
with the gaps and overlaps of somebody who reads them out.
"""

import argparse
import json
import os
import random

import numba
import numpy as np
from scipy.signal import resample_poly

from unpack import PEAK, RATE, decode

WINDOW, HOP = 512, 128  # of the envelope, samples at 16 kHz
GRAIN, SEEK = 400, 128  # of the stretching
DIGITS = "zero um uma dois duas três quatro cinco seis sete oito nove".split()
NUMBERS = (
    "dez onze doze treze quatorze catorze quinze dezesseis dezessete dezoito dezenove vinte trinta quarenta cinquenta"
    " sessenta setenta oitenta noventa cem duzentos trezentos quatrocentos quinhentos seiscentos setecentos oitocentos"
    " novecentos mil"
).split()


@numba.njit(cache=True)
def stretch(x, factor):
    """WSOLA: `factor` times as long, pitch and formants as they were."""
    half = GRAIN // 2
    n = int(len(x) * factor)
    padded = np.zeros(len(x) + 2 * GRAIN + 2 * SEEK, np.float32)
    padded[GRAIN + SEEK : GRAIN + SEEK + len(x)] = x
    out = np.zeros(n + 2 * GRAIN, np.float32)
    fade = 0.5 - 0.5 * np.cos(np.pi * (np.arange(half) + 0.5) / half).astype(np.float32)
    last = GRAIN + SEEK
    out[:half] = padded[last : last + half]
    for start in range(0, n, half):
        natural, wanted = last + half, GRAIN + SEEK + int((start + half) / factor)
        best, at = -1e30, wanted
        for offset in range(-SEEK, SEEK, 2):
            k = wanted + offset
            if k < 0 or k + GRAIN > len(padded) or natural + half > len(padded):
                continue
            alike, power = 0.0, 1e-3
            for i in range(0, half, 2):
                alike += padded[natural + i] * padded[k + i]
                power += padded[k + i] * padded[k + i]
            alike /= np.sqrt(power)
            if alike > best:
                best, at = alike, k
        if at + GRAIN > len(padded) or natural + half > len(padded):
            break
        for i in range(half):
            if start + half + i < len(out):
                out[start + half + i] = padded[natural + i] * (1 - fade[i]) + padded[at + i] * fade[i]
        last = at
    return out[:n]


def envelope(spectrum, lifter):
    """Smooth logarithmic spectrum, by the cepstrum below `lifter`."""
    c = np.fft.irfft(np.log(np.abs(spectrum) + 1e-3), axis=1)
    c[:, lifter : WINDOW - lifter + 1] = 0
    return np.fft.rfft(c, axis=1).real


def reshape(x, ratio):
    """The resonances at `ratio` times their frequency, the voice as it is."""
    window = np.sqrt(np.hanning(WINDOW + 1)[:-1]).astype(np.float32)
    padded = np.pad(x, (WINDOW, WINDOW + HOP))
    starts = np.arange(0, len(padded) - WINDOW + 1, HOP)
    s = np.fft.rfft(padded[starts[:, None] + np.arange(WINDOW)] * window, axis=1)
    e = envelope(s, 52)
    at = np.minimum(np.arange(WINDOW // 2 + 1) / ratio, WINDOW // 2 - 0.001)
    low, w = at.astype(int), at % 1
    gain = np.clip(e[:, low] * (1 - w) + e[:, low + 1] * w - e, -3.5, 3.5)
    y = np.fft.irfft(s * np.exp(gain), axis=1) * window
    out = np.zeros(len(padded))
    for k in range(WINDOW // HOP):  # grains that do not overlap, added at once
        part = y[k :: WINDOW // HOP]
        out[k * HOP : k * HOP + part.size] += part.ravel()
    return out[WINDOW : WINDOW + len(x)] / 2


def morph(x, pitch, formants, tempo):
    """8 kHz int16 with a peak of -9 dBFS, from 16 kHz; each argument is a factor."""
    y = stretch(x.astype(np.float32), pitch / tempo)
    y = reshape(resample_poly(y, 100, max(1, round(100 * pitch))), formants / pitch)
    y = resample_poly(y, 1, 2)
    return np.clip(y * (PEAK / (np.abs(y).max() + 1e-6)), -32767, 32767).astype(np.int16)


def speaker(r):
    """Pitch, formants, tempo of somebody, seen from a woman's voice: men, women, children."""
    k = r.random()
    if k < 0.5:
        who = r.uniform(0.52, 0.75), r.uniform(0.8, 0.95)
    elif k < 0.85:
        who = r.uniform(0.75, 1.15), r.uniform(0.9, 1.1)
    else:
        who = r.uniform(1.1, 1.4), r.uniform(1.02, 1.2)
    return *who, r.triangular(0.8, 1.4, 1.0)


def trim(x):
    """Without what is 36 dB below the loudest 10 ms at either end."""
    level = np.sqrt((x[: len(x) // 160 * 160].reshape(-1, 160) ** 2).mean(1))
    k = np.where(level > level.max() * 0.016)[0]
    return x[max(0, k[0] * 160 - 160) : (k[-1] + 1) * 160 + 320] if len(k) else x


def joined(r, words):
    """A string of words, and its text."""
    k = r.random()
    known = [w for w in (DIGITS if k < 0.7 else NUMBERS if k < 0.8 else sorted(words)) if w in words]
    texts = [r.choice(known) for _ in range(r.choice([2, 3, 3, 3, 4, 4, 5]))]
    out, pause = np.zeros(0, np.float32), r.choice([-0.06, 0.0, 0.08, 0.25])
    for text in texts:
        word = trim(r.choice(words[text])) * r.uniform(0.6, 1.0)
        gap = int(RATE * (pause + r.uniform(-0.02, 0.1)))
        if gap < 0 and len(out) > -gap and len(word) > -gap:
            fade = np.linspace(0, 1, -gap)
            out[gap:] = out[gap:] * (1 - fade) + word[:-gap] * fade
            out = np.concatenate([out, word[-gap:]])
        else:
            out = np.concatenate([out, np.zeros(max(0, gap), np.float32), word])
    return out, " ".join(texts)


def main():
    p = argparse.ArgumentParser()
    p.add_argument("folder")
    p.add_argument("out")
    p.add_argument("--split", default="train", choices=["train", "dev", "all"])
    p.add_argument("--copies", type=int, default=1)
    p.add_argument("--short", type=int, default=0)
    p.add_argument("--joined", type=int, default=0)
    p.add_argument("--seed", type=int, default=1)
    a = p.parse_args()
    r, offset, file, voice = random.Random(a.seed), 0, None, os.path.basename(os.path.normpath(a.folder))
    rows = [json.loads(line) for line in open(os.path.join(a.folder, "index.jsonl"), encoding="utf-8")]
    rows = [d for d in rows if a.split in ("all", d["split"])]
    words = {}
    with open(a.out + ".raw", "wb") as raw, open(a.out + ".jsonl", "w", encoding="utf-8") as index:

        def put(x, text):
            nonlocal offset
            y = morph(x, *speaker(r))
            raw.write(y.tobytes())
            index.write(json.dumps(dict(o=offset, n=len(y), t=text, v=voice), ensure_ascii=False) + "\n")
            offset += len(y)

        for d in rows:
            if d["file"] != file:
                file, sound = d["file"], decode(os.path.join(a.folder, d["file"]))
            x = sound[int(d["start_s"] * RATE) : int(d["end_s"] * RATE)]
            if " " not in d["text"] and len(words.setdefault(d["text"], [])) < 40:
                words[d["text"]].append(x)
            for _ in range(a.copies + (a.short if d["text"].count(" ") < 2 else 0)):
                put(x, d["text"])
        for _ in range(a.joined):
            put(*joined(r, words))
    print(a.out, len(rows), "utterances", round(offset / 8000 / 3600, 2), "hours")


if __name__ == "__main__":
    main()
