"""Telephone augmentation of 8 kHz speech. Everything is synthetic: no recorded noise or impulse response is needed.

Levels are relative to full scale 1.0, times in seconds, noise in dB below the speech.
"""

import numpy as np
from scipy.fft import next_fast_len
from scipy.signal import butter, fftconvolve, iirpeak, lfilter, resample_poly

RATE = 8000
PACKET = 160  # 20 ms, the packet of G.711 telephony


def mulaw(x):
    """G.711 mu-law and back, by the continuous law."""
    mu = 255.0
    y = np.round(np.sign(x) * np.log1p(mu * np.abs(x)) / np.log1p(mu) * 127) / 127
    return np.sign(y) * ((1 + mu) ** np.abs(y) - 1) / mu


def alaw(x):
    """G.711 A-law and back, by the continuous law."""
    a, d = 87.6, 1 + np.log(87.6)
    y = np.abs(x)
    y = np.where(y < 1 / a, a * y / d, (1 + np.log(np.maximum(a * y, 1e-9))) / d)
    y = np.round(y * 127) / 127
    y = np.where(y < 1 / d, y * d / a, np.exp(y * d - 1) / a)
    return np.sign(x) * y


def unit(x):
    return x / (x.std() + 1e-9)


def colored(r, n, slope):
    """Noise whose power falls as f**-slope: 0 white, 1 pink, 2 brown."""
    m = next_fast_len(n, real=True)
    s = np.fft.rfft(r.standard_normal(m))
    return unit(np.fft.irfft(s * np.maximum(np.arange(len(s)), 1.0) ** (-slope / 2), m)[:n])


def room(r):
    """An impulse response with a reverberation time of 80 to 600 ms."""
    t60 = r.uniform(0.08, 0.6)
    n = int(t60 * RATE * 0.8)
    h = r.standard_normal(n) * 10 ** (-3 * np.arange(n) / RATE / t60) * r.uniform(0.05, 0.35)
    h[: int(r.uniform(8, 40))] *= 0.2
    h[0] = 1.0
    return h


def equalise(r, x):
    """A smooth random channel: a tilt and up to three peaks or dips."""
    x = lfilter([1, -r.uniform(-0.6, 0.75)], [1], x)
    for _ in range(r.integers(0, 4)):
        f = r.uniform(150, 3600)
        b, a = iirpeak(f / 4000, max(r.uniform(0.6, 3), f / 2800))
        x = x + (10 ** (r.uniform(-12, 12) / 20) - 1) * lfilter(b, a, x)
    return x


def band(r, x):
    """The telephone band, with edges that differ from line to line."""
    lo, hi = r.uniform(150, 380), r.uniform(2800, 3750)
    b, a = butter(int(r.integers(2, 5)), [lo / 4000, hi / 4000], "band")
    return lfilter(b, a, x)


def hum(r, n):
    t = np.arange(n) / RATE
    f = r.choice([50, 60, 100, 120])
    v = unit(sum(np.sin(2 * np.pi * f * h * t + r.uniform(0, 6)) / h for h in range(1, 9)))
    return 0.7 * v + 0.3 * colored(r, n, 1)


def street(r, n):
    loudness = np.interp(np.arange(n), np.linspace(0, n, 12), r.uniform(0.1, 1, 12))
    return unit(colored(r, n, r.uniform(0.5, 1.6)) * loudness)


def clicks(r, n):
    v = np.zeros(n)
    at = r.integers(0, n, int(r.integers(1, 12)))
    v[at] = r.uniform(-30, 30, len(at))
    return unit(lfilter([1], [1, -r.uniform(0.3, 0.97)], v) + 0.3 * colored(r, n, 1))


def babble(r, n, pool):
    v = np.zeros(n)
    for _ in range(int(r.integers(1, 6))):
        other = pool()
        v += np.resize(np.roll(other, int(r.integers(len(other)))), n)
    return unit(v)


def noise(r, n, pool=None):
    """Background of unit power; without a `pool` of other speech there is no babble in it."""
    k = r.random()
    if k < 0.25 or (k < 0.5 and pool is None):
        return colored(r, n, r.uniform(0, 2))
    if k < 0.5:
        return babble(r, n, pool)
    if k < 0.65:
        return hum(r, n)
    return street(r, n) if k < 0.85 else clicks(r, n)


def codec(r, x, loss):
    """Level, overload, companding or coarse requantisation, lost packets."""
    if r.random() < 0.15:
        x = np.tanh(x * r.uniform(1.5, 6) / (np.abs(x).max() + 1e-9)) * 0.5
    x = x / (np.abs(x).max() + 1e-9) * 10 ** (r.uniform(-30, -1) / 20)
    k = r.random()
    if k < 0.45:
        x = alaw(x)
    elif k < 0.7:
        x = mulaw(x)
    elif k < 0.8:
        level = np.interp(np.arange(len(x)), np.arange(0, len(x), 40), np.abs(np.pad(x, (0, 40))[: len(x)])[::40])
        step = np.maximum(level, 1e-4) * r.uniform(0.05, 0.25)
        x = np.round(x / step) * step
    if r.random() < loss:
        x = lose(r, x, r.uniform(0.01, 0.06))
    return x


def lose(r, x, share):
    """Drops `share` of the packets: silence in their place, or the packet before, fainter."""
    x = x.copy()
    repeat = r.random() < 0.6
    for i in range(PACKET, len(x) - PACKET, PACKET):
        if r.random() < share:
            x[i : i + PACKET] = x[i - PACKET : i] * 0.8 if repeat else 0
    return x


def edge(r):
    """Samples of background before or after the speech.

    Half of the edges are short, as after endpointing; half go up to 1.5 s, so that the network learns to stay silent
    through long noise.
    """
    return int(RATE * (r.uniform(0.05, 0.5) if r.random() < 0.5 else r.uniform(0, 1.5)))


def augment(x, r, pool):
    """One telephone rendering of `x` (float, full scale 1.0). `pool()` returns another utterance, `r` is a numpy Generator."""
    if r.random() < 0.5:  # tempo, pitch and formants together: another speaker
        x = resample_poly(x, 100, int(r.integers(88, 114)))
    lead, n = edge(r), len(x)
    x = np.concatenate([np.zeros(lead), x, np.zeros(edge(r) + 800)])
    if r.random() < 0.4:
        x = fftconvolve(x, room(r))[: len(x)]
    if r.random() < 0.7:
        x = equalise(r, x)
    # The level of the speech alone: silence around it must not make the noise weaker.
    level = np.sqrt((x[lead : lead + n] ** 2).mean()) * 1.3 + 1e-9
    if r.random() < 0.85:
        x = x + level * 10 ** (-r.uniform(3, 35) / 20) * noise(r, len(x), pool)
    if r.random() < 0.6:
        x = band(r, x)
    return codec(r, x, 0.3).astype(np.float32)


def background(r):
    """A stretch of telephone line on which nobody speaks."""
    x = noise(r, int(RATE * r.uniform(0.4, 2.5))) * 10 ** (-r.uniform(10, 40) / 20)
    if r.random() < 0.6:
        x = band(r, x)
    return codec(r, x, 0.3).astype(np.float32)


def call(r, x, loss=0.02, snr=20.0, around=(2400, 3200)):
    """The test condition: telephone band, pink noise at `snr` dB, -20 to -3 dBFS, A-law, `loss` of the packets gone.

    `around`: samples of line before and after the speech.
    """
    level = np.sqrt((x**2).mean()) * 1.3 + 1e-9
    x = band(r, np.concatenate([np.zeros(around[0]), x, np.zeros(around[1])]))
    x = x + level * 10 ** (-snr / 20) * colored(r, len(x), 1.0)
    x = alaw(x / np.abs(x).max() * 10 ** (r.uniform(-20, -3) / 20))
    return lose(r, x, loss).astype(np.float32) if loss else x.astype(np.float32)
