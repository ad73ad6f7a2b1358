"""Formant speech: generated sentences spoken by espeak-ng in many voice variants.

usage: synth.py OUT N SEED

Writes OUT.raw (8 kHz int16) and OUT.jsonl. The variants in HELD_OUT and the plain voice never enter training: the
project's tests speak with them, and so does heldout.py.
"""

import argparse
import ctypes
import json
import random

import numpy as np
from scipy.signal import resample_poly

import textgen

HELD_OUT = "f4 m5 Alicia klatt3 travis michel max".split()
TRAIN = (
    "Alex Andrea Andy Annie AnxiousAndy Denis Diogo Gene Gene2 Henrique Hugo Jacky Lee Marco Mario Michael Nguyen"
    " RicishayMax RicishayMax2 RicishayMax3 Storm adam anika antonio aunty belinda benjamin boris caleb david ed edward"
    " edward2 f1 f2 f3 f5 grandma grandpa gustave iven iven2 iven3 iven4 john kaukovalta klatt klatt2 klatt4 klatt5"
    " klatt6 linda m1 m2 m3 m4 m6 m7 m8 marcelo miguel norbert pablo paul pedro quincy rob robert sandro shelby steph"
    " steph2 steph3 victor zac"
).split()
PEAK = 12000
RATE, VOLUME, PITCH, RANGE, GAP = 1, 2, 3, 4, 7  # espeak_PARAMETER
UTF8, PHONEMES = 0x1, 0x100  # phonemes in [[ ]]


class Espeak:
    """libespeak-ng in this process: a synthesis takes milliseconds."""

    def __init__(self):
        self.lib = ctypes.CDLL("libespeak-ng.so.1")
        self.rate = self.lib.espeak_Initialize(2, 0, None, 0)  # AUDIO_OUTPUT_SYNCHRONOUS
        self.parts = []
        kind = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p)
        self.callback = kind(self._take)
        self.lib.espeak_SetSynthCallback(self.callback)

    def _take(self, wave, n, _events):
        if wave and n > 0:
            self.parts.append(np.ctypeslib.as_array(wave, (n,)).copy())
        return 0

    def say(self, text, voice, rate=165, pitch=50, spread=50, gap=0):
        """`rate` in words per minute, `pitch` and `spread` 0 to 100, `gap` between words in 10 ms."""
        if self.lib.espeak_SetVoiceByName(voice.encode()):
            raise ValueError(f"espeak-ng has no voice {voice}")
        for key, value in ((RATE, rate), (VOLUME, 100), (PITCH, pitch), (RANGE, spread), (GAP, gap)):
            self.lib.espeak_SetParameter(key, int(value), 0)
        self.parts, b = [], text.encode()
        self.lib.espeak_Synth(b, len(b) + 1, 0, 1, 0, UTF8 | PHONEMES, None, None)
        self.lib.espeak_Synchronize()
        return np.concatenate(self.parts).astype(np.float32) if self.parts else np.zeros(0, np.float32)


def trim(x, threshold=150):
    k = np.where(np.abs(x) > threshold)[0]
    return x[max(0, k[0] - 400) : k[-1] + 800] if len(k) else x[:0]


def to_8k(x, rate, factor=1.0):
    """8 kHz int16 with a peak of -9 dBFS; `factor` above 1 makes it longer and lower."""
    y = resample_poly(x, 160, max(1, round(rate / factor / 50)))
    return np.clip(y * (PEAK / (np.abs(y).max() + 1e-6)), -32767, 32767).astype(np.int16)


def main():
    p = argparse.ArgumentParser()
    p.add_argument("out")
    p.add_argument("n", type=int)
    p.add_argument("seed", type=int)
    a = p.parse_args()
    r, engine, offset = random.Random(a.seed), Espeak(), 0
    voices = []
    for v in TRAIN:
        try:
            engine.say("a", "pt-br+" + v)
            voices.append(v)
        except ValueError as e:
            print(e)
    with open(a.out + ".raw", "wb") as raw, open(a.out + ".jsonl", "w", encoding="utf-8") as index:
        for _ in range(a.n):
            say, text = textgen.caller(r)
            voice = "pt-br+" + r.choice(voices)
            x = engine.say(
                say,
                voice,
                r.triangular(105, 270, 165),
                r.triangular(5, 95, 45),
                r.triangular(5, 100, 50),
                r.choice([0, 0, 0, 0, 1, 2, 4]),
            )
            x = trim(x)
            if len(x) < engine.rate * 0.08:
                continue
            y = to_8k(x, engine.rate, 1 / r.triangular(0.84, 1.22, 1.0))
            raw.write(y.tobytes())
            index.write(json.dumps(dict(o=offset, n=len(y), t=text, v=voice), ensure_ascii=False) + "\n")
            offset += len(y)
    print(a.out, len(voices), "voices", round(offset / 8000 / 3600, 2), "hours")


if __name__ == "__main__":
    main()
