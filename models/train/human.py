"""Tasks out of recorded human prompts, for `combinado bench asr`: lists of words and phrases, digits, numbers, strings of digits.

usage: human.py FOLDER OUT [--split dev|train|all] [--condition clean|call|loss|hard] [--each 1] [--seed 3]

FOLDER as in unpack.py. OUT gets the WAV files, manifest.jsonl and the grammars in OUT/grammars. With a model that never
heard this voice take `all`, else `dev`. clean: as recorded. call: band, pink noise at 20 dB, A-law; loss: the same with 2 %
of the packets lost; hard: the training augmentation. --each: renderings of a digit or number (there is one recording of each).
Strings are joined from single recordings, without co-articulation, as in ../CARD.md.
"""

import argparse
import json
import os
import random
import wave

import numpy as np

import augment
import g2p
import morph
import unpack
from scipy.signal import resample_poly

VALUES = {w: str(i) for i, w in enumerate("zero um dois três quatro cinco seis sete oito nove".split())}
NUMBERS = dict(VALUES)
for first, words in ((10, "dez onze doze treze quatorze quinze dezesseis dezessete dezoito dezenove"), (20, "vinte")):
    NUMBERS |= {w: str(first + i) for i, w in enumerate(words.split())}
NUMBERS |= {w: str(30 + 10 * i) for i, w in enumerate("trinta quarenta cinquenta sessenta setenta oitenta noventa".split())}
DIGIT = " | ".join(f"{w} {{{v}}}" for w, v in (VALUES | {"meia": "6"}).items())
UNITS = " | ".join(f"{w} {{+{v}}}" for w, v in VALUES.items() if w != "zero")
TEENS = " | ".join(f"{w} {{{v}}}" for w, v in NUMBERS.items() if 10 <= int(v) < 20)
TENS = " | ".join(f"{w} {{{v}}}" for w, v in NUMBERS.items() if int(v) >= 20)
GRAMMARS = {
    "digit": f"public $main = {DIGIT};",
    "digits3": f"public $main = $digit<3>; $digit = {DIGIT};",
    "number": f"public $main = zero {{0}} | $u | $t | ({TENS}) [e $u]; $u = {UNITS.replace('+', '')}; $t = {TEENS} | cem {{100}};",
}
MONTHS = "janeiro fevereiro março abril maio junho julho agosto setembro outubro novembro dezembro".split()
WEEKDAYS = "segunda feira|terça feira|quarta feira|quinta feira|sexta feira|sábado|domingo".split("|")


def grammar(folder, name, body):
    with open(os.path.join(folder, "grammars", name + ".gram"), "w", encoding="utf-8") as f:
        f.write(f"#ABNF 1.0 UTF-8;\nlanguage pt-BR;\nmode voice;\ntag-format <semantics/1.0-literals>;\nroot $main;\n{body}\n")


def listed(texts):
    return "public $main = " + " | ".join(f"{t} {{T{i}}}" for i, t in enumerate(texts)) + ";"


def chunks(name, texts, size, r):
    """Lists of `size` texts that sound differently; what remains is a list of its own when it is not too short."""
    heard, own = set(), []
    for t in r.sample(sorted(texts), len(texts)):
        p = "".join(g2p.phones(t))
        if p not in heard:
            heard.add(p)
            own.append(t)
    lists = [own[i : i + size] for i in range(0, len(own), size)]
    return {f"{name}_{i}": chunk for i, chunk in enumerate(lists) if len(chunk) >= size // 2}


def main():
    p = argparse.ArgumentParser()
    p.add_argument("folder")
    p.add_argument("out")
    p.add_argument("--split", default="dev", choices=["train", "dev", "all"])
    p.add_argument("--condition", default="call", choices=["clean", "call", "loss", "hard"])
    p.add_argument("--each", type=int, default=1)
    p.add_argument("--strings", type=int, default=150)
    p.add_argument("--seed", type=int, default=3)
    a = p.parse_args()
    os.makedirs(os.path.join(a.out, "grammars"), exist_ok=True)
    r, noise = random.Random(a.seed), np.random.default_rng(a.seed)
    rows = [json.loads(line) for line in open(os.path.join(a.folder, "index.jsonl"), encoding="utf-8")]
    sounds, decoded = {}, {}
    for d in rows:
        if a.split not in ("all", d["split"]) or not "".join(g2p.phones(d["text"])):
            continue
        if d["file"] not in decoded:
            decoded[d["file"]] = unpack.decode(os.path.join(a.folder, d["file"]))
        x = decoded[d["file"]][int(d["start_s"] * unpack.RATE) : int(d["end_s"] * unpack.RATE)]
        sounds.setdefault(d["text"], []).append(x)
    words = [t for t in sounds if " " not in t and len("".join(g2p.phones(t))) > 1]
    phrases = [t for t in sounds if " " in t]
    lists = chunks("words359", words, 359, r) if len(words) >= 180 else {}
    lists |= chunks("words50", words, 50, r) | chunks("phrases50", phrases, 50, r)
    lists |= {"months": MONTHS, "weekdays": WEEKDAYS}
    tasks = []
    for name, texts in lists.items():
        grammar(a.out, name, listed(texts))
        tasks += [(name, t, f"T{i}", x) for i, t in enumerate(texts) for x in sounds.get(t, [])]
    for name, values in (("digit", VALUES), ("number", NUMBERS)):
        grammar(a.out, name, GRAMMARS[name])
        tasks += [(name, t, v, x) for t, v in values.items() for x in sounds.get(t, []) for _ in range(a.each)]
    grammar(a.out, "digits3", GRAMMARS["digits3"])
    known = [w for w in VALUES if w in sounds]
    for _ in range(a.strings if len(known) == 10 else 0):
        texts, x = [r.choice(known) for _ in range(3)], np.zeros(0, np.float32)
        for t in texts:
            x = np.concatenate([x, morph.trim(r.choice(sounds[t])), np.zeros(int(unpack.RATE * r.uniform(0.02, 0.2)), np.float32)])
        tasks.append(("digits3", " ".join(texts), " ".join(VALUES[t] for t in texts), x))
    tasks = [(g, t, e, resample_poly(x, 1, 2) / 32768) for g, t, e, x in tasks]
    pool = lambda: tasks[int(noise.integers(len(tasks)))][3]
    with open(os.path.join(a.out, "manifest.jsonl"), "w", encoding="utf-8") as index:
        for n, (name, text, expect, x) in enumerate(tasks):
            if a.condition == "hard":
                x = augment.augment(x, noise, pool)
            elif a.condition != "clean":
                x = augment.call(noise, x, loss=0.02 if a.condition == "loss" else 0)
            file = f"{n:04}.wav"
            with wave.open(os.path.join(a.out, file), "wb") as w:
                w.setparams((1, 2, augment.RATE, 0, "NONE", ""))
                w.writeframes((np.clip(x, -1, 1) * 32767).astype("<i2").tobytes())
            row = dict(file=file, grammar=name, expect=expect, text=text, speaker=os.path.basename(os.path.normpath(a.folder)))
            index.write(json.dumps(row, ensure_ascii=False) + "\n")
    print(a.out, len(tasks), "recordings", {k: len(v) for k, v in lists.items()})


if __name__ == "__main__":
    main()
