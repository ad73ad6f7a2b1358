"""Fits the weights of the confidence to what `combinado bench asr --foreign --rows ROWS.jsonl` wrote.

usage: confidence.py ROWS.jsonl ...

Prints, for several choices of evidence, the weights of a logistic regression (own answers that were understood against
all else; every file and kind weighs the same), and how well they tell own answers from foreign ones: the equal error rate,
and the foreign answers that pass when 5 % of the own ones are refused, as means over the grammars. Fit on voices of the
training, never on those of heldout.py.
"""

import collections
import json
import sys

import numpy as np

EVIDENCE = {
    "gap": lambda d: min(max(d["gap"], 0), 20),
    "root of gap": lambda d: min(max(d["gap"], 0), 20) ** 0.5,
    "margin": lambda d: np.log1p(min(max(d["margin"], 0), 30)),
    "excess": lambda d: np.log(min(max(d["coverage"], 1), 10)),
    "unexplained": lambda d: -np.log(min(max(d["coverage"], 0.1), 1)),
    "phones": lambda d: np.log(min(max(d["phones"], 1), 60)),
}
CHOICES = [
    ["gap", "margin", "excess"],
    ["root of gap", "margin", "excess"],
    ["root of gap", "margin", "excess", "unexplained", "phones"],
]


def load(names):
    rows = [(name, json.loads(line)) for name in names for line in open(name, encoding="utf-8")]
    return [(name, d) for name, d in rows if d["phones"]]


def fit(x, y, weight, steps=300, ridge=1e-3):
    """Logistic regression by Newton's method -> bias, weights."""
    mean, spread = x.mean(0), x.std(0) + 1e-9
    z = np.c_[np.ones(len(x)), (x - mean) / spread]
    b, keep = np.zeros(z.shape[1]), np.r_[0, np.ones(x.shape[1])]
    for _ in range(steps):
        p = 1 / (1 + np.exp(-z @ b))
        slope = z.T @ (weight * (p - y)) / weight.sum() + ridge * keep * b
        bend = (z * (weight * p * (1 - p))[:, None]).T @ z / weight.sum() + ridge * np.eye(len(b))
        b -= np.linalg.solve(bend, slope)
    w = b[1:] / spread
    return b[0] - w @ mean, w


def rates(own, foreign):
    """Equal error rate, and the share of foreign answers that pass at 5 % refused."""
    at = np.sort(np.r_[own, foreign])
    refused = np.searchsorted(np.sort(own), at) / len(own)
    passed = 1 - np.searchsorted(np.sort(foreign), at) / len(foreign)
    i = np.argmin(np.abs(refused - passed))
    return (refused[i] + passed[i]) / 2, (foreign >= np.sort(own)[len(own) // 20]).mean()


def main():
    rows = load(sys.argv[1:])
    y = np.array([not d["foreign"] and d["heard"] == d["expect"] for _, d in rows], float)
    size = collections.Counter((name, d["foreign"]) for name, d in rows)
    weight = np.array([1 / size[name, d["foreign"]] for name, d in rows])
    for choice in CHOICES:
        x = np.array([[EVIDENCE[k](d) for k in choice] for _, d in rows])
        bias, w = fit(x, y, weight)
        kinds = collections.defaultdict(lambda: ([], []))
        for (name, d), score in zip(rows, bias + x @ w):
            kinds[name, d["grammar"]][d["foreign"]].append(score)
        found = collections.defaultdict(list)
        for (name, _), (own, foreign) in kinds.items():
            if min(len(own), len(foreign)) > 10:
                found[name].append(rates(np.array(own), np.array(foreign)))
        print(f"{bias:+.2f} " + " ".join(f"{v:+.2f} {k}" for k, v in zip(choice, w)))
        for name, all_ in found.items():
            equal, passed = 100 * np.mean(all_, 0)
            print(f"  {name}: equal error {equal:.1f} %, {passed:.1f} % pass at 5 % refused")


if __name__ == "__main__":
    main()
