"""Accuracy of a model on a manifest of 8 kHz WAV files: meaning per grammar, phone error rate, rejection.

usage: evaluate.py MODEL.bin MANIFEST.jsonl [--grammars DIR] [--conditions clean,call,long] [--blank X] [--crop] [--errors] [--json OUT]

manifest row: {"file": "a.wav" (beside the manifest), "text": "dia quinze", "grammar": "date", "expect": "15", "speaker": "x"}
`grammar` is DIR/<grammar>.gram (SRGS ABNF, literal tags, `expect` = tags joined by one space) or a rule of grammars_pt.py.
clean: as recorded. call: band, pink noise at 20 dB, A-law, 2 % of the packets lost. long: the same with 1.5 s of line
before and after. hard: the training augmentation. --crop: cut to the speech, 0.25 s around it, before all this.
"""

import argparse
import collections
import json
import os

import numpy as np

import augment
import feats
import g2p
import grammar
import grammars_pt
import heldout
import infer
from measure import edit, greedy, wilson

RULES = grammars_pt.D + heldout.grammar()


def crop(x):
    """The loud region and 0.25 s around it, as an endpointer would give it."""
    if len(x) < 800:
        return x
    level = np.sqrt((x[: len(x) // 80 * 80].reshape(-1, 80) ** 2).mean(1))
    k = np.where(level > level.max() * 10 ** (-26 / 20))[0]
    return x[max(0, k[0] * 80 - 2000) : k[-1] * 80 + 2000]


def render(x, condition, r, pool):
    if condition == "clean":
        return np.concatenate([np.zeros(2400), x, np.zeros(3200)]) + r.standard_normal(len(x) + 5600) * 1e-4
    if condition == "hard":
        return augment.augment(x, r, pool)
    return augment.call(r, x, around=(12000, 12000) if condition == "long" else (2400, 3200))


class Grammars:
    def __init__(self, folder):
        self.folder, self.graphs = folder, {}

    def __getitem__(self, name):
        if name not in self.graphs:
            path = self.folder and os.path.join(self.folder, name + ".gram")
            source = grammar.abnf(path) if path and os.path.exists(path) else (RULES, name)
            self.graphs[name] = grammar.Graph(*source)
        return self.graphs[name]


def confidence(graph, lp):
    """Grammar score against the best free phones, per phone."""
    score, words, _ = graph.decode(lp)
    return (score - grammar.filler_score(lp)) / max(1, len("".join(g2p.phones(words))))


def equal_error(inside, outside):
    """The rate at which as many foreign utterances pass as own ones are refused."""
    inside, outside = np.array(inside), np.array(outside)
    at = np.sort(np.concatenate([inside, outside]))
    refused = np.array([(inside < t).mean() for t in at])
    passed = np.array([(outside >= t).mean() for t in at])
    i = np.argmin(np.abs(refused - passed))
    return float(refused[i] + passed[i]) / 2


def share(hits, n):
    low, high = wilson(hits, n)
    return f"{hits:4d}/{n:<4d} {100 * hits / n:5.1f}% (95 % CI {low:.1f}-{high:.1f})"


def measure(a, model, rows, sounds, graphs, condition):
    r, posteriors, wrong, total = np.random.default_rng(99), [], 0, 0
    hits, by_speaker = collections.defaultdict(list), collections.defaultdict(list)
    pool = lambda: sounds[int(r.integers(len(sounds)))]
    for d, x in zip(rows, sounds):
        lp = model.log_probs(feats.features(render(crop(x) if a.crop else x, condition, r, pool)))
        lp[:, 0] -= model.blank_discount if a.blank is None else a.blank
        posteriors.append(lp)
        heard, ref = greedy(lp.argmax(1).tolist()), "".join(g2p.phones(d["text"]))
        wrong, total = wrong + edit(heard, ref), total + len(ref)
        if not d.get("grammar"):
            continue
        _, words, tags = graphs[d["grammar"]].decode(lp)
        right = (tags if a.grammars else grammars_pt.value(tags)) == d["expect"]
        hits[d["grammar"]].append(right)
        by_speaker[d.get("speaker", "")].append(right)
        if a.errors and not right:
            print("wrong", condition, d["grammar"], d.get("speaker"), d["text"], "->", words, "| heard", heard, "for", ref)
    print(f"== {condition}   phone error rate {100 * wrong / total:.1f}%  ({total} phones)")
    out = dict(phones=[wrong, total], tasks={}, speakers={}, equal_error={})
    for k, v in sorted(hits.items()):
        print(f"  {k:12s} {share(sum(v), len(v))}")
        out["tasks"][k] = [sum(v), len(v)]
    every = sum(hits.values(), [])
    if every:
        print(f"  {'all':12s} {share(sum(every), len(every))}")
        print("  " + "  ".join(f"{s} {sum(v)}/{len(v)}" for s, v in by_speaker.items()))
        out["speakers"] = {s: [sum(v), len(v)] for s, v in by_speaker.items()}
    for k in sorted(hits) if len(hits) > 1 else []:
        marks = [(d.get("grammar") == k, confidence(graphs[k], lp)) for d, lp in zip(rows, posteriors)]
        out["equal_error"][k] = equal_error([c for own, c in marks if own], [c for own, c in marks if not own])
    if out["equal_error"]:
        print("  equal error rate of rejection: " + "  ".join(f"{k} {100 * v:.1f}%" for k, v in out["equal_error"].items()))
    return out


def main():
    p = argparse.ArgumentParser()
    p.add_argument("model")
    p.add_argument("manifest")
    p.add_argument("--grammars")
    p.add_argument("--conditions", default="clean,call,long")
    p.add_argument("--blank", type=float)
    p.add_argument("--crop", action="store_true")
    p.add_argument("--errors", action="store_true")
    p.add_argument("--json")
    a = p.parse_args()
    model, graphs = infer.Model(a.model), Grammars(a.grammars)
    folder = os.path.dirname(os.path.abspath(a.manifest))
    rows = [json.loads(line) for line in open(a.manifest, encoding="utf-8")]
    sounds = [infer.read_wav(os.path.join(folder, d["file"])).astype(np.float64) for d in rows]
    result = {c: measure(a, model, rows, sounds, graphs, c) for c in a.conditions.split(",")}
    if a.json:
        with open(a.json, "w", encoding="utf-8") as f:
            json.dump(result, f, ensure_ascii=False, indent=1)


if __name__ == "__main__":
    main()
