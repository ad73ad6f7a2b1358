"""The made-up callers of heldout.py as a manifest for `combinado bench asr`, with foreign answers and lines on which nobody speaks.

usage: tasks.py FOLDER OUT [--condition clean|call|loss|hard|long] [--noise 0] [--seed 9]

FOLDER holds what heldout.py wrote. OUT gets the recordings as the condition renders them, manifest.jsonl, and the grammars
of grammars_pt.py in OUT/grammars as SRGS. --noise: so many recordings of line noise without speech, in noise.jsonl, each
"expected" by the grammar yesno to mean nothing.
"""

import argparse
import json
import os
import re
import wave

import numpy as np

import augment
import grammar
import grammars_pt
import heldout
import infer
from evaluate import RULES


def srgs(source, root):
    """All rules of grammars_pt as one SRGS grammar; counts in SRGS are <3>, <0-> and <1->."""
    rules = "\n".join(
        f"${name} = {' '.join({'+': '<1->', '*': '<0->'}.get(t, t) for t in tokens)};"
        for name, tokens in grammar.rules_of(source).items()
    )
    return (
        "#ABNF 1.0 UTF-8;\nlanguage pt-BR;\nmode voice;\ntag-format <semantics/1.0-literals>;\nroot $"
        f"{root};\n{re.sub(rf'^[$]{root} =', f'public ${root} =', rules, flags=re.M)}\n"
    )


def tags_of(automaton, words):
    """The tags of the first way through the automaton that says these words, or None."""
    after, jumps = {}, {}
    for a, b, w in automaton.arcs:
        after.setdefault((a, w), []).append(b)
    for a, b, tag in automaton.empty:
        jumps.setdefault(a, []).append((b, tag))
    open_, seen = [(automaton.start, 0, ())], set()
    while open_:
        state, at, tags = open_.pop()
        if (state, at, tags) in seen:
            continue
        seen.add((state, at, tags))
        if state == automaton.end and at == len(words):
            return " ".join(tags)
        if at < len(words):
            open_ += [(b, at + 1, tags) for b in after.get((state, words[at]), [])]
        open_ += [(b, at, tags + ((tag,) if tag else ())) for b, tag in jumps.get(state, [])]
    return None


def write(path, x):
    with wave.open(path, "wb") as w:
        w.setparams((1, 2, augment.RATE, 0, "NONE", ""))
        w.writeframes((np.clip(x, -1, 1) * 32767).astype("<i2").tobytes())


def main():
    p = argparse.ArgumentParser()
    p.add_argument("folder")
    p.add_argument("out")
    p.add_argument("--condition", default="call", choices=["clean", "call", "loss", "hard", "long"])
    p.add_argument("--noise", type=int, default=0)
    p.add_argument("--seed", type=int, default=9)
    a = p.parse_args()
    os.makedirs(os.path.join(a.out, "grammars"), exist_ok=True)
    r = np.random.default_rng(a.seed)
    rows = [json.loads(line) for line in open(os.path.join(a.folder, "manifest.jsonl"), encoding="utf-8")]
    sounds = [infer.read_wav(os.path.join(a.folder, d["file"])).astype(np.float64) for d in rows]
    pool = lambda: sounds[int(r.integers(len(sounds)))]
    automata = {}
    with open(os.path.join(a.out, "manifest.jsonl"), "w", encoding="utf-8") as index:
        for d, x in zip(rows, sounds):
            name = d["grammar"]
            if name not in automata:
                automata[name] = grammar.Automaton(grammar.rules_of(RULES), name)
                with open(os.path.join(a.out, "grammars", name + ".gram"), "w", encoding="utf-8") as f:
                    f.write(srgs(RULES, name))
            expect = tags_of(automata[name], d["text"].split())
            if expect is None:
                print("no way through", name, "for", d["text"])
                continue
            if a.condition == "hard":
                x = augment.augment(x, r, pool)
            elif a.condition == "long":
                x = augment.call(r, x, around=(12000, 12000))
            elif a.condition != "clean":
                x = augment.call(r, x, loss=0.02 if a.condition == "loss" else 0)
            write(os.path.join(a.out, d["file"]), x)
            row = dict(file=d["file"], grammar=name, expect=expect, text=d["text"], speaker=d["speaker"])
            index.write(json.dumps(row, ensure_ascii=False) + "\n")
    with open(os.path.join(a.out, "noise.jsonl"), "w", encoding="utf-8") as index:
        for n in range(a.noise):
            write(os.path.join(a.out, f"noise{n:04}.wav"), augment.background(r))
            index.write(json.dumps(dict(file=f"noise{n:04}.wav", grammar="yesno", expect="")) + "\n")
    print(a.out, len(rows), "recordings", a.noise, "of noise")


if __name__ == "__main__":
    main()
