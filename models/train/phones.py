"""Phone error rate of models on chunks of prep.py, with a bootstrap interval over utterances.

usage: phones.py MODEL.bin NAME ...
"""

import sys

import numpy as np

import infer
from measure import edit, greedy
from train import load


def main():
    model = infer.Model(sys.argv[1])
    for name in sys.argv[2:]:
        counts = []
        for data, d in load(name):
            f = data[d["o"] : d["o"] + d["T"]].astype(np.float32)
            if d["l"]:
                counts.append((edit(greedy(model.log_probs(f).argmax(1).tolist()), d["l"]), len(d["l"])))
        c, r = np.array(counts), np.random.default_rng(1)
        again = [c[r.integers(len(c), size=len(c))].sum(0) for _ in range(1000)]
        low, high = np.percentile([100 * w / n for w, n in again], [2.5, 97.5])
        wrong, total = c.sum(0)
        print(
            f"{name.rsplit('/')[-1]:14s} {100 * wrong / total:5.1f}% (95 % CI {low:.1f}-{high:.1f}, {len(c)} utterances, {total} phones)"
        )


if __name__ == "__main__":
    main()
