"""Streaming TCN-CTC: only convolution, ReLU and BatchNorm (folded on export), so that it is short to write by hand in Rust."""

import torch
import torch.nn as nn
import torch.nn.functional as F

import g2p

# (dilation, right context in frames of 30 ms) of each block: 7 frames of look-ahead in all
PLAN = [(1, 1), (1, 1), (2, 2), (2, 2), (4, 0), (1, 1), (2, 0), (4, 0)]


class Block(nn.Module):
    def __init__(self, channels, dilation, right, dropout):
        super().__init__()
        self.pad = (2 * dilation - right, right)
        self.c1 = nn.Conv1d(channels, channels, 3, dilation=dilation, bias=False)
        self.bn = nn.BatchNorm1d(channels)
        self.d = nn.Dropout(dropout)

    def forward(self, x):
        return x + self.d(F.relu(self.bn(self.c1(F.pad(x, self.pad)))))


class Tcn(nn.Module):
    def __init__(self, channels=192, dropout=0.1):
        super().__init__()
        self.front = nn.Conv1d(40, channels, 9, stride=3, bias=False)
        self.bn = nn.BatchNorm1d(channels)
        self.blocks = nn.ModuleList(Block(channels, d, r, dropout) for d, r in PLAN)
        self.out = nn.Conv1d(channels, g2p.N_OUT, 1)

    def forward(self, f):
        """features (batch, frames, 40) -> logits (batch, frames / 3, 34)"""
        x = F.relu(self.bn(self.front(F.pad(f.transpose(1, 2), (4, 4)))))
        for b in self.blocks:
            x = b(x)
        return self.out(x).transpose(1, 2)


def output_frames(frames):
    return (frames - 1) // 3 + 1
