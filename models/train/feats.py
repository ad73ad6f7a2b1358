"""8 kHz telephone front end: 40 log-mel (100-3800 Hz), 25 ms / 10 ms, causal mean subtraction. Portable to Rust."""

import numpy as np

SR, WIN, HOP, NFFT, NMEL = 8000, 200, 80, 256, 40
PRE = 0.97


def mel_fb(lo=100.0, hi=3800.0):
    m = lambda f: 1127.0 * np.log1p(f / 700.0)
    im = lambda x: 700.0 * np.expm1(x / 1127.0)
    e = im(np.linspace(m(lo), m(hi), NMEL + 2))
    f = np.arange(NFFT // 2 + 1) * SR / NFFT
    fb = np.zeros((NFFT // 2 + 1, NMEL), np.float32)
    for i in range(NMEL):
        a, c, b = e[i : i + 3]
        fb[:, i] = np.maximum(0, np.minimum((f - a) / (c - a), (b - f) / (b - c)))
    return fb


FB = mel_fb()
HANN = np.hanning(WIN + 1)[:WIN].astype(np.float32)


def logmel(x):
    """x float32 in [-1,1] -> (T,40)"""
    x = x.astype(np.float32)
    x = np.concatenate([x[:1], x[1:] - PRE * x[:-1]])
    if len(x) < WIN:
        x = np.pad(x, (0, WIN - len(x)))
    n = 1 + (len(x) - WIN) // HOP
    fr = np.lib.stride_tricks.as_strided(x, (n, WIN), (x.strides[0] * HOP, x.strides[0]))
    p = np.abs(np.fft.rfft(fr * HANN, NFFT)).astype(np.float32) ** 2
    return np.log(p @ FB + 1e-6)


PRIOR = -4.0  # log-mel prior mean; refined below by an energy-weighted causal average
N0, NMAX = 60.0, 400.0


def _cmn(f):
    """Causal mean subtraction: running mean over speech-like frames with a prior of N0 frames, window capped at NMAX.
    A frame counts with weight w = sigmoid of (its energy - running energy peak + margin), so silence does not drag the mean."""
    T = len(f)
    e = f.sum(1) / f.shape[1]
    out = np.empty(f.shape, np.float32)
    # prior mean: flat spectrum placed at (peak-so-far - 3.0)
    pk = e[0]
    n = 0.0
    s = np.zeros(f.shape[1], np.float64)
    for t in range(T):
        pk = max(pk * 0.999 + e[t] * 0.001, e[t])
        w = 1.0 / (1.0 + np.exp(-(e[t] - pk + 4.0)))
        n += w
        s += w * f[t]
        if n > NMAX:
            s *= NMAX / n
            n = NMAX
        out[t] = f[t] - (s + N0 * (pk - 2.0)) / (n + N0)
    return out


try:
    from numba import njit

    cmn = njit(cache=True)(_cmn)
except ImportError:
    cmn = _cmn


def features(x):
    return (cmn(logmel(x)) * 0.4).astype(np.float32)
