"""Edit distance, greedy phones, and the interval of a share."""

import g2p


def edit(x, y):
    """Levenshtein distance."""
    d = list(range(len(y) + 1))
    for i, p in enumerate(x):
        n = [i + 1]
        for j, q in enumerate(y):
            n.append(min(d[j] + (p != q), d[j + 1] + 1, n[-1] + 1))
        d = n
    return d[-1]


def greedy(ids):
    """Best output per frame -> phones: repeats merged, blanks dropped."""
    return "".join(g2p.PHONES[p - 1] for j, p in enumerate(ids) if p and (j == 0 or ids[j - 1] != p))


def wilson(hits, n, z=1.96):
    """95 % interval of a share, in per cent."""
    p = hits / n
    centre = (p + z * z / 2 / n) / (1 + z * z / n)
    half = z * (p * (1 - p) / n + z * z / 4 / n / n) ** 0.5 / (1 + z * z / n)
    return 100 * (centre - half), 100 * (centre + half)
