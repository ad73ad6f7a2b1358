"""8 kHz telephone front end: 40 log-mel bands of 100 to 3800 Hz, 25 ms every 10 ms, causal normalisation.

The program has the same front end in src/ear/asr; the golden example keeps the two together to 1e-3.
"""
import numpy as np

RATE, WINDOW, HOP, FFT, MELS = 8000, 200, 80, 256, 40
PRE_EMPHASIS = 0.97
PRIOR, LONGEST = 60.0, 400.0  # frames: weight of the prior mean, and memory of the running mean
SCALE = 0.4


def filters(low=100.0, high=3800.0):
    """Triangles of peak 1, linear in Hz, their corners evenly spaced in mel."""
    mel = lambda f: 1127.0 * np.log1p(f / 700.0)
    corners = 700.0 * np.expm1(np.linspace(mel(low), mel(high), MELS + 2) / 1127.0)
    f = np.arange(FFT // 2 + 1) * RATE / FFT
    out = np.zeros((FFT // 2 + 1, MELS), np.float32)
    for i in range(MELS):
        a, peak, b = corners[i : i + 3]
        out[:, i] = np.maximum(0, np.minimum((f - a) / (peak - a), (b - f) / (b - peak)))
    return out


FILTERS = filters()
HANN = np.hanning(WINDOW + 1)[:WINDOW].astype(np.float32)


def log_mel(x):
    """Samples of full scale 1.0 -> (frames, 40)"""
    x = x.astype(np.float32)
    x = np.concatenate([x[:1], x[1:] - PRE_EMPHASIS * x[:-1]])
    if len(x) < WINDOW:
        x = np.pad(x, (0, WINDOW - len(x)))
    n = 1 + (len(x) - WINDOW) // HOP
    frames = np.lib.stride_tricks.as_strided(x, (n, WINDOW), (x.strides[0] * HOP, x.strides[0]))
    power = np.abs(np.fft.rfft(frames * HANN, FFT)).astype(np.float32) ** 2
    return np.log(power @ FILTERS + 1e-6)


def normalise(f):
    """Subtracts a running mean over the frames with speech, without looking ahead.

    A frame weighs as much as its energy comes near the loudest so far; silence does not drag the mean. Until speech has
    come, the mean is a flat spectrum a little below the peak.
    """
    energy = f.sum(1) / f.shape[1]
    out = np.empty(f.shape, np.float32)
    peak = energy[0]
    n = 0.0
    total = np.zeros(f.shape[1], np.float64)
    for t in range(len(f)):
        peak = max(peak * 0.999 + energy[t] * 0.001, energy[t])
        w = 1.0 / (1.0 + np.exp(-(energy[t] - peak + 4.0)))
        n += w
        total += w * f[t]
        if n > LONGEST:
            total *= LONGEST / n
            n = LONGEST
        out[t] = f[t] - (total + PRIOR * (peak - 2.0)) / (n + PRIOR)
    return out


try:
    from numba import njit

    normalise = njit(cache=True)(normalise)
except ImportError:
    pass  # slow, but the same


def features(x):
    return (normalise(log_mel(x)) * SCALE).astype(np.float32)
