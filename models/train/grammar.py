"""Grammar -> word automaton -> CTC graph -> Viterbi, with meaning tags and a filler score.

Syntax: name = expr ; with a | b, juxtaposition, [optional], (group), x* x+ x<2-4>, $rule, {tag}.
The program has its own grammar compiler and decoder; this one measures models where the program is not built.
"""

import re

import numpy as np

import g2p

TOKEN = re.compile(r"\s*(\$[\w]+|[\wà-ÿÀ-Ÿ'-]+|\{[^}]*\}|<\d+(?:-\d+)?>|[|()\[\]*+])")
NEVER = -1e30


def rules_of(source):
    pairs = (s.split("=", 1) for s in source.split(";") if "=" in s)
    return {name.strip(): TOKEN.findall(expr) for name, expr in pairs}


def abnf(path):
    """SRGS ABNF file (rules, alternatives, groups, [optional], <m-n> repeats, {literal tags}) -> rule source, root rule."""
    with open(path, encoding="utf-8") as f:
        text = re.sub(r"/\*.*?\*/|//[^\n]*|^#ABNF[^;]*;", " ", f.read(), flags=re.S)
    root = re.search(r"\broot\s+\$(\w+)\s*;", text)[1]
    found = (re.match(r"\s*(?:public\s+|private\s+)?\$(\w+)\s*=(.*)", s, re.S) for s in text.split(";"))
    return " ;\n".join(m[1] + " = " + m[2].replace('"', " ") for m in found if m), root


class Automaton:
    """Words on arcs (from, to, word), tags on empty arcs (from, to, tag or None)."""

    def __init__(self, rules, start):
        self.rules, self.n, self.empty, self.arcs = rules, 0, [], []
        self.start = self.state()
        self.end, _ = self.expression(rules[start], 0, self.start)

    def state(self):
        self.n += 1
        return self.n - 1

    def skip(self, a, tag=None, to=None):
        """An empty arc from `a`, to a new state unless `to` is given."""
        to = self.state() if to is None else to
        self.empty.append((a, to, tag))
        return to

    def expression(self, tokens, at, a):
        """Alternatives from `at` up to a closing bracket -> end state, next token."""
        ends, here = [], a
        while at < len(tokens) and tokens[at] not in (")", "]"):
            if tokens[at] == "|":
                ends.append(here)
                here, at = a, at + 1
            else:
                here, at = self.item(tokens, at, here)
        end = self.state()
        for x in ends + [here]:
            self.skip(x, to=end)
        return end, at

    def primary(self, tokens, at, a):
        t = tokens[at]
        if t in ("(", "["):
            end, at = self.expression(tokens, at + 1, self.skip(a))
            if t == "[":
                self.skip(a, to=end)
        elif t[0] == "$":
            end, _ = self.expression(self.rules[t[1:]], 0, self.skip(a))
        elif t[0] == "{":
            end = self.skip(a, t[1:-1])
        else:
            end = self.state()
            self.arcs.append((a, end, t.lower()))
        return end, at + 1

    def item(self, tokens, at, a):
        """A primary and its repeat count; every repetition is a copy of its own."""
        end, after = self.primary(tokens, at, a)
        mark = tokens[after] if after < len(tokens) else ""
        if mark in ("*", "+"):
            again = self.skip(end)
            self.skip(self.primary(tokens, at, again)[0], to=end)
            if mark == "*":
                self.skip(a, to=end)
            return end, after + 1
        if not mark.startswith("<"):
            return end, after
        counts = re.findall(r"\d+", mark)
        low, high = int(counts[0]), int(counts[-1])
        ends = [a] if low == 0 else []
        for k in range(1, high + 1):
            end = end if k == 1 else self.primary(tokens, at, end)[0]
            if k >= low:
                ends.append(end)
        out = self.state()
        for x in ends:
            self.skip(x, to=out)
        return out, after + 1


class Graph:
    """CTC token-passing graph: a blank node per state, an emitting node per phone arc.

    `tag` of an arc is an index into `outputs`, pairs (tags, word that begins here).
    """

    def __init__(self, source, start):
        self.automaton = Automaton(rules_of(source), start)
        self.phones = self._phones()
        self.outputs, self._ids = [], {}
        self._closures, self._leaving = {}, {}
        self._empty_from = {}
        for a, b, tag in self.automaton.empty:
            self._empty_from.setdefault(a, []).append((b, tag))
        for i, (a, *_) in enumerate(self.phones):
            self._leaving.setdefault(a, []).append(i)
        self._build()

    def _phones(self):
        """(from, to, phone, word that begins here or None) for every pronunciation of every word."""
        out = []
        for a, b, w in list(self.automaton.arcs):
            for phones in g2p.variants(w):
                here = a
                for i, p in enumerate(phones):
                    there = b if i == len(phones) - 1 else self.automaton.state()
                    out.append((here, there, g2p.PID[p], None if i else w))
                    here = there
        return out

    def _closure(self, a):
        """States reached from `a` without a word, each with the tags on the way."""
        if a not in self._closures:
            out, todo, seen = [], [(a, ())], set()
            while todo:
                x, tags = todo.pop()
                if (x, tags) in seen:
                    continue
                seen.add((x, tags))
                out.append((x, tags))
                todo += [(b, tags + ((t,) if t else ())) for b, t in self._empty_from.get(x, ())]
            self._closures[a] = out
        return self._closures[a]

    def _output(self, tags, word):
        if not tags and not word:
            return -1
        if (tags, word) not in self._ids:
            self._ids[tags, word] = len(self.outputs)
            self.outputs.append((tags, word))
        return self._ids[tags, word]

    def _next(self, state):
        """(phone arc, output) of all that may follow."""
        return [(i, self._output(t, self.phones[i][3])) for x, t in self._closure(state) for i in self._leaving.get(x, ())]

    def _build(self):
        start, end = self.automaton.start, self.automaton.end
        states = sorted({start} | {b for _, b, _, _ in self.phones})
        blank, n = {x: i for i, x in enumerate(states)}, len(states)
        labels = [0] * n + [p for _, _, p, _ in self.phones]
        follow = {x: self._next(x) for x in states}
        final = {x: t for x in states for y, t in self._closure(x) if y == end}
        arcs = [(i, i, -1) for i in range(len(labels))]
        arcs += [(blank[x], n + i, o) for x in states for i, o in follow[x]]
        for j, (_, b, p, _) in enumerate(self.phones):
            arcs.append((n + j, blank[b], -1))
            # A phone that repeats must go through the blank, or CTC would merge the two.
            arcs += [(n + j, n + i, o) for i, o in follow[b] if self.phones[i][2] != p]
        arcs.sort(key=lambda arc: arc[1])
        self.src, dst, self.tag = (np.array(c, np.int32) for c in zip(*arcs))
        self.ptr = np.searchsorted(dst, np.arange(len(labels) + 1)).astype(np.int32)
        self.labels = np.array(labels, np.int32)
        self.init = [(blank[start], -1)] + [(n + i, o) for i, o in follow[start]]
        self.final = {blank[x]: t for x, t in final.items()}
        self.final |= {n + j: final[b] for j, (_, b, _, _) in enumerate(self.phones) if b in final}

    def decode(self, lp):
        """log-probabilities (frames, outputs) -> score, words, tags"""
        init, first = np.full(len(self.labels), NEVER, np.float32), {}
        for i, o in self.init:
            init[i], first[i] = 0, o
        back, score = viterbi(lp.astype(np.float32), self.src, self.ptr, self.labels, init)
        best = node = max(self.final, key=lambda i: score[i])
        path = []
        for t in range(len(lp) - 1, 0, -1):
            path.append(self.tag[back[t, node]])
            node = self.src[back[t, node]]
        path.append(first.get(node, -1))
        said = [self.outputs[o] for o in reversed(path) if o >= 0]
        tags = [t for ts, _ in said for t in ts] + list(self.final[best])
        return float(score[best]), " ".join(w for _, w in said if w), " ".join(tags)


def viterbi(lp, src, ptr, labels, init):
    """Best arc into every node at every frame, and the score of every node at the end."""
    frames, n = lp.shape[0], labels.shape[0]
    back = np.zeros((frames, n), np.int32)
    now = np.empty(n, np.float32)
    for s in range(n):
        now[s] = init[s] + lp[0, labels[s]]
    for t in range(1, frames):
        then = np.empty(n, np.float32)
        for s in range(n):
            best, k = np.float32(NEVER), ptr[s]
            for i in range(ptr[s], ptr[s + 1]):
                if now[src[i]] > best:
                    best, k = now[src[i]], i
            then[s] = best + lp[t, labels[s]]
            back[t, s] = k
        now = then
    return back, now


try:
    from numba import njit

    viterbi = njit(cache=True, fastmath=True)(viterbi)
except ImportError:
    pass  # slow, but the same


def filler_score(lp):
    """The best free succession of phones: the largest log-probability of every frame."""
    return float(lp.max(1).sum())
