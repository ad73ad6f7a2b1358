"""Mini JSGF-like grammar -> word NFA -> phone/CTC graph -> Viterbi decoding with semantic tags and a filler score.

Syntax:  name = expr ;   expr: a | b, juxtaposition, [optional], (group), x* , x+ , x<2-4>, $rule, {tag}
"""

import re, math
import numpy as np
import g2p

TOK = re.compile(r"\s*(\$[\w]+|[\wà-ÿÀ-Ÿ'-]+|\{[^}]*\}|<\d+(?:-\d+)?>|[|()\[\]*+])")


def parse_rules(src):
    rules = {}
    for st in src.split(";"):
        if "=" in st:
            n, e = st.split("=", 1)
            rules[n.strip()] = e.strip()
    return rules


def abnf(path):
    """SRGS ABNF file (rules, alternatives, groups, [optional], <m-n> repeats, {literal tags}) -> (rule source, root rule)"""
    t = open(path, encoding="utf-8").read()
    t = re.sub(r"/\*.*?\*/|//[^\n]*|^#ABNF[^;]*;", " ", t, flags=re.S)
    root = re.search(r"\broot\s+\$(\w+)\s*;", t)[1]
    out = []
    for st in t.split(";"):
        m = re.match(r"\s*(?:public\s+|private\s+)?\$(\w+)\s*=(.*)", st, re.S)
        if m:
            out.append(m[1] + " = " + m[2].replace('"', " "))
    return " ;\n".join(out), root


class Nfa:
    def __init__(s):
        s.n = 0
        s.eps = []
        s.arcs = []  # eps: (a,b,tag) arcs: (a,b,word)

    def new(s):
        s.n += 1
        return s.n - 1


def build(rules, start):
    A = Nfa()

    def expr(toks, p, a):
        ends = []
        b = a
        cur = a
        starts = a
        while True:
            if p >= len(toks) or toks[p] in (")", "]"):
                ends.append(cur)
                break
            if toks[p] == "|":
                ends.append(cur)
                cur = starts
                p += 1
                continue
            cur, p = item(toks, p, cur)
        e = A.new()
        for x in ends:
            A.eps.append((x, e, None))
        return e, p

    def prim(toks, p, a):
        t = toks[p]
        if t == "(":
            s = A.new()
            A.eps.append((a, s, None))
            e, p = expr(toks, p + 1, s)
            return e, p + 1
        if t == "[":
            s = A.new()
            A.eps.append((a, s, None))
            e, p = expr(toks, p + 1, s)
            A.eps.append((a, e, None))
            return e, p + 1
        if t[0] == "$":
            s = A.new()
            A.eps.append((a, s, None))
            e, _ = expr(TOK.findall(rules[t[1:]]), 0, s)
            return e, p + 1
        if t[0] == "{":
            e = A.new()
            A.eps.append((a, e, t[1:-1]))
            return e, p + 1
        e = A.new()
        A.arcs.append((a, e, t.lower()))
        return e, p + 1

    def item(toks, p, a):
        e, q = prim(toks, p, a)
        if q < len(toks) and toks[q] in ("*", "+"):
            s = A.new()  # re-parse primitive as a loop body
            if toks[q] == "*":
                A.eps.append((a, e, None))
            e2, _ = prim(toks, p, s)
            A.eps.append((e, s, None))
            A.eps.append((e2, e, None))
            return e, q + 1
        if q < len(toks) and toks[q][0] == "<":
            m = re.findall(r"\d+", toks[q])
            lo, hi = int(m[0]), int(m[-1])
            outs = [e] if lo <= 1 else []
            for k in range(2, hi + 1):
                e, _ = prim(toks, p, e)
                if k >= lo:
                    outs.append(e)
            f = A.new()
            for o in outs:
                A.eps.append((o, f, None))
            if lo == 0:
                A.eps.append((a, f, None))
            return f, q + 1
        return e, q

    s = A.new()
    e, _ = expr(TOK.findall(rules[start]), 0, s)
    return A, s, e


class Graph:
    """CTC token-passing graph. Node kinds: blank node per NFA position, emitting node per phone arc."""

    def __init__(g, src, start, variants=True):
        A, s, e = build(parse_rules(src), start)
        # expand words into phone arcs
        pa = []  # (from,to,phone,word_end: word or None)
        for a, b, w in A.arcs:
            for pr in (g2p.variants(w) if variants else [g2p.word(w)]):
                cur = a
                for i, ph in enumerate(pr):
                    nx = b if i == len(pr) - 1 else A.new()
                    pa.append((cur, nx, g2p.PID[ph], w if i == 0 else None))
                    cur = nx
        # epsilon closure with tags (first tag sequence found wins)
        epsout = {}
        for a, b, t in A.eps:
            epsout.setdefault(a, []).append((b, t))
        outarcs = {}
        for i, (a, b, p, w) in enumerate(pa):
            outarcs.setdefault(a, []).append(i)
        clos = {}

        def closure(a):
            if a in clos:
                return clos[a]
            res = []
            st = [(a, ())]
            seen = set()
            while st:
                x, tg = st.pop()
                if (x, tg) in seen:
                    continue
                seen.add((x, tg))
                res.append((x, tg))
                for b, t in epsout.get(x, ()):
                    st.append((b, tg + ((t,) if t else ())))
            clos[a] = res
            return res

        need = {s} | {b for _, b, _, _ in pa}
        bl = {x: i for i, x in enumerate(sorted(need))}
        nb = len(bl)
        lab = [0] * nb + [p for _, _, p, _ in pa]
        S = len(lab)
        arcs = [(i, i, -1) for i in range(S)]
        tags = [()]
        tagid = {(): -1}

        def tid(tg, w):
            k = (tg, w)
            if k not in tagid:
                tagid[k] = len(tags)
                tags.append(k)
            return tagid[k]

        nxt = {}
        for x in need:
            L = []
            for y, tg in closure(x):
                for i in outarcs.get(y, ()):
                    L.append((i, tg))
            nxt[x] = L
        final = {}
        for x in need:
            for y, tg in closure(x):
                if y == e:
                    final[x] = tg
        for x in need:
            for i, tg in nxt[x]:
                w = pa[i][3]
                arcs.append((bl[x], nb + i, tid(tg, w) if (tg or w) else -1))
        for j, (a, b, p, w) in enumerate(pa):
            arcs.append((nb + j, bl[b], -1))
            for i, tg in nxt[b]:
                if pa[i][2] != p:
                    w2 = pa[i][3]
                    arcs.append((nb + j, nb + i, tid(tg, w2) if (tg or w2) else -1))
        arcs.sort(key=lambda t: t[1])
        g.src = np.array([t[0] for t in arcs], np.int32)
        g.tag = np.array([t[2] for t in arcs], np.int32)
        dst = np.array([t[1] for t in arcs], np.int32)
        g.ptr = np.searchsorted(dst, np.arange(S + 1)).astype(np.int32)
        g.lab = np.array(lab, np.int32)
        g.tags = tags
        g.S = S
        g.init = [(bl[s], -1)] + [(nb + i, tid(tg, pa[i][3]) if (tg or pa[i][3]) else -1) for i, tg in nxt[s]]
        g.fin = {}
        for x, tg in final.items():
            g.fin[bl[x]] = tg
            for j, (a, b, p, w) in enumerate(pa):
                if b == x:
                    g.fin[nb + j] = tg
        g.n_arcs = len(arcs)

    def decode(g, lp):
        """lp (T,V) log-probs -> (score, words, tags)"""
        init = np.full(g.S, -1e30, np.float32)
        it = np.full(g.S, -1, np.int32)
        for i, t in g.init:
            init[i] = 0
            it[i] = t
        bp, sc = viterbi(lp.astype(np.float32), g.src, g.ptr, g.lab, init)
        best = max(g.fin, key=lambda i: sc[i])
        s = best
        tr = []
        for t in range(len(lp) - 1, 0, -1):
            k = bp[t, s]
            if g.tag[k] >= 0:
                tr.append(g.tag[k])
            s = g.src[k]
        if it[s] >= 0:
            tr.append(it[s])
        words, tg = [], []
        for k in reversed(tr):
            a, w = g.tags[k]
            tg += a
            if w:
                words.append(w)
        tg += g.fin[best]
        return float(sc[best]), " ".join(words), " ".join(tg)


def viterbi(lp, src, ptr, lab, init):
    T = lp.shape[0]
    S = lab.shape[0]
    bp = np.zeros((T, S), np.int32)
    cur = np.empty(S, np.float32)
    for s in range(S):
        cur[s] = init[s] + lp[0, lab[s]]
    for t in range(1, T):
        nw = np.empty(S, np.float32)
        for s in range(S):
            b = -1e30
            k = ptr[s]
            for i in range(ptr[s], ptr[s + 1]):
                v = cur[src[i]]
                if v > b:
                    b = v
                    k = i
            nw[s] = b + lp[t, lab[s]]
            bp[t, s] = k
        cur = nw
    return bp, cur


try:
    from numba import njit

    viterbi = njit(cache=True, fastmath=True)(viterbi)
except ImportError:
    pass


def filler_score(lp):
    """best unconstrained phone loop = per-frame max"""
    return float(lp.max(1).sum())
