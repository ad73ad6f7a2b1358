"""Reference inference from the binary model file with NumPy only; the Rust code is compared with it.

usage: infer.py MODEL.bin FILE.wav [GRAMMAR]
"""

import struct
import sys
import wave
import zlib

import numpy as np

import feats
import g2p
import grammar
import grammars_pt
from measure import greedy


class Reader:
    def __init__(self, data):
        self.data, self.at = data, 0

    def unpack(self, layout):
        out = struct.unpack_from("<" + layout, self.data, self.at)
        self.at += struct.calcsize("<" + layout)
        return out

    def take(self, n):
        self.at += n
        return self.data[self.at - n : self.at]


class Model:
    def __init__(self, path):
        with open(path, "rb") as f:
            data = f.read()
        if data[:8] != b"CMBACM1\0":
            raise ValueError("not a model file")
        if zlib.crc32(data[:-4]) != struct.unpack("<I", data[-4:])[0]:
            raise ValueError("damaged model file")
        r = Reader(data)
        r.take(8)
        version, self.n_out, self.channels, self.n_mel, self.kernel, self.stride, blocks, phones = r.unpack("8H")
        if version != 1:
            raise ValueError(f"model file of version {version}")
        if r.take(phones).decode() != "".join(g2p.PHONES):
            raise ValueError("phone list differs from the G2P's")
        self.plan = [r.unpack("2B") for _ in range(blocks)]
        self.blank_discount, n = r.unpack("fI")
        self.tensors = dict(self._tensor(r) for _ in range(n))

    @staticmethod
    def _tensor(r):
        name = r.take(r.unpack("B")[0]).decode()
        half, dims = r.unpack("2B")
        shape = r.unpack(f"{dims}I")
        data = r.take(int(np.prod(shape)) * (2 if half else 4))
        return name, np.frombuffer(data, "<f2" if half else "<f4").astype(np.float32).reshape(shape)

    def log_probs(self, f):
        """features (frames, 40) -> natural log-probabilities (ceil(frames / 3), 34)"""
        x, n, w = np.pad(f, ((4, 4), (0, 0))), (len(f) - 1) // self.stride + 1, self.tensors
        front = w["front.weight"].transpose(2, 1, 0).reshape(-1, self.channels)
        x = np.stack([x[i * self.stride : i * self.stride + self.kernel].reshape(-1) for i in range(n)]) @ front
        x = np.maximum(x + w["front.bias"], 0)
        for i, (d, right) in enumerate(self.plan):
            p = np.pad(x, ((2 * d - right, right), (0, 0)))  # taps at t - 2d + right, t - d + right, t + right
            y = sum(p[k * d : k * d + n] @ w[f"block{i}.weight"][:, :, k].T for k in range(3))
            x = x + np.maximum(y + w[f"block{i}.bias"], 0)
        z = x @ w["out.weight"].T + w["out.bias"]
        z -= z.max(1, keepdims=True)
        return z - np.log(np.exp(z).sum(1, keepdims=True))


def read_wav(path):
    with wave.open(path) as w:
        if (w.getframerate(), w.getnchannels(), w.getsampwidth()) != (8000, 1, 2):
            raise ValueError(f"{path}: not 8 kHz mono of 16 bits")
        return np.frombuffer(w.readframes(w.getnframes()), "<i2").astype(np.float32) / 32768


def main():
    model = Model(sys.argv[1])
    lp = model.log_probs(feats.features(read_wav(sys.argv[2])))
    print("phones:", greedy(lp.argmax(1).tolist()))
    if len(sys.argv) > 3:
        lp[:, 0] -= model.blank_discount
        score, words, tags = grammar.Graph(grammars_pt.D, sys.argv[3]).decode(lp)
        per_phone = (score - grammar.filler_score(lp)) / max(1, len("".join(g2p.phones(words))))
        print("words:", words, "| value:", grammars_pt.value(tags), f"| confidence per phone: {per_phone:.2f}")


if __name__ == "__main__":
    main()
