"""Packed speech folder (Ogg Opus + index.jsonl) -> OUT.raw (8 kHz int16) + OUT.jsonl for prep.py. Needs ffmpeg.

usage: unpack.py FOLDER OUT [--split train|dev|all] [--warp] [--copies 1] [--seed 1]

--warp: every utterance is resampled by a random factor. Tempo, pitch and formants move together, so that one voice
becomes many speakers. The source has 16 kHz: what moves into the telephone band when a voice is lowered must be there.
"""

import argparse
import json
import os
import random
import subprocess

import numpy as np
from scipy.signal import resample_poly

RATE = 16000
PEAK = 12000


def decode(path):
    command = ["ffmpeg", "-v", "error", "-i", path, "-f", "s16le", "-ar", str(RATE), "-ac", "1", "-"]
    return np.frombuffer(subprocess.run(command, capture_output=True, check=True).stdout, np.int16).astype(np.float32)


def to_8k(x, speed):
    """8 kHz int16 with a peak of -9 dBFS; `speed` above 1 makes it shorter and higher."""
    y = resample_poly(x, 50, max(1, round(100 * speed)))
    return np.clip(y * (PEAK / (np.abs(y).max() + 1e-6)), -32767, 32767).astype(np.int16)


def main():
    p = argparse.ArgumentParser()
    p.add_argument("folder")
    p.add_argument("out")
    p.add_argument("--split", default="train", choices=["train", "dev", "all"])
    p.add_argument("--warp", action="store_true")
    p.add_argument("--copies", type=int, default=1)
    p.add_argument("--seed", type=int, default=1)
    a = p.parse_args()
    r, offset, file, voice = random.Random(a.seed), 0, None, os.path.basename(os.path.normpath(a.folder))
    rows = [json.loads(line) for line in open(os.path.join(a.folder, "index.jsonl"), encoding="utf-8")]
    rows = [d for d in rows if a.split in ("all", d["split"])]
    with open(a.out + ".raw", "wb") as raw, open(a.out + ".jsonl", "w", encoding="utf-8") as index:
        for d in rows:
            if d["file"] != file:
                file, sound = d["file"], decode(os.path.join(a.folder, d["file"]))
            x = sound[int(d["start_s"] * RATE) : int(d["end_s"] * RATE)]
            for _ in range(a.copies):
                y = to_8k(x, r.choice([r.uniform(0.74, 0.9), r.triangular(0.84, 1.2, 1.0)]) if a.warp else 1.0)
                raw.write(y.tobytes())
                index.write(json.dumps(dict(o=offset, n=len(y), t=d["text"], v=voice), ensure_ascii=False) + "\n")
                offset += len(y)
    print(a.out, len(rows), "utterances", round(offset / 8000 / 3600, 2), "hours")


if __name__ == "__main__":
    main()
