"""Trained network -> the binary model file that the program reads. usage: export.py MODEL.pt OUT.bin   (layout: README.md)"""

import struct
import sys
import zlib

import numpy as np
import torch

import g2p
import network

MAGIC, VERSION = b"CMBACM1\0", 1
N_MEL, KERNEL, STRIDE = 40, 9, 3
BLANK_DISCOUNT = 1.0  # nats taken off the blank log-probability before decoding
F32, F16 = 0, 1


def fold(conv, bn):
    """Convolution without bias and BatchNorm after it -> weight, bias."""
    g = bn.weight / (bn.running_var + bn.eps).sqrt()
    return (conv.weight * g[:, None, None]).detach().numpy(), (bn.bias - bn.running_mean * g).detach().numpy()


def tensors(net):
    parts = [("front", *fold(net.front, net.bn))]
    parts += [(f"block{i}", *fold(b.c1, b.bn)) for i, b in enumerate(net.blocks)]
    parts += [("out", net.out.weight.detach().numpy()[:, :, 0], net.out.bias.detach().numpy())]
    for name, weight, bias in parts:
        yield name + ".weight", weight, F16
        yield name + ".bias", bias, F32


def tensor(name, a, kind):
    head = struct.pack("<B", len(name)) + name.encode() + struct.pack(f"<2B{a.ndim}I", kind, a.ndim, *a.shape)
    return head + np.ascontiguousarray(a, "<f2" if kind == F16 else "<f4").tobytes()


def encode(net, channels):
    phones, parts = "".join(g2p.PHONES).encode(), [tensor(*t) for t in tensors(net)]
    o = MAGIC + struct.pack("<8H", VERSION, g2p.N_OUT, channels, N_MEL, KERNEL, STRIDE, len(network.PLAN), len(phones)) + phones
    o += b"".join(struct.pack("<2B", d, r) for d, r in network.PLAN)
    o += struct.pack("<fI", BLANK_DISCOUNT, len(parts)) + b"".join(parts)
    return o + struct.pack("<I", zlib.crc32(o))


def main():
    saved = torch.load(sys.argv[1], map_location="cpu")
    net = network.Tcn(saved["c"])
    net.load_state_dict(saved["sd"])
    with open(sys.argv[2], "wb") as f:
        f.write(encode(net.eval(), saved["c"]))


if __name__ == "__main__":
    main()
