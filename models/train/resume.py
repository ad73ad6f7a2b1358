"""A trainable network from a model file, in which BatchNorm is folded into the convolutions.

The statistics that folding lost are measured again on a batch of features, layer by layer, so that the network computes
the same in training as in use.
"""

import torch
import torch.nn.functional as F

import infer
import network


def unfold(conv, bn, x, bias):
    """Sets `bn` so that conv + bn is conv + bias, with the statistics of this `x`; returns its output."""
    y = conv(x)
    bn.running_mean.copy_(y.mean((0, 2)))
    bn.running_var.copy_(y.var((0, 2)))
    bn.weight.copy_((bn.running_var + bn.eps).sqrt())
    bn.bias.copy_(bias + bn.running_mean)
    return F.relu(bn(y))


@torch.no_grad()
def load(path, f):
    """`f`: features (batch, frames, 40) like those of the training."""
    model = infer.Model(path)
    w = {k: torch.from_numpy(v.copy()) for k, v in model.tensors.items()}
    net = network.Tcn(model.channels).eval()
    net.front.weight.copy_(w["front.weight"])
    x = unfold(net.front, net.bn, F.pad(f.transpose(1, 2), (4, 4)), w["front.bias"])
    for i, b in enumerate(net.blocks):
        b.c1.weight.copy_(w[f"block{i}.weight"])
        x = x + unfold(b.c1, b.bn, F.pad(x, b.pad), w[f"block{i}.bias"])
    net.out.weight.copy_(w["out.weight"][:, :, None])
    net.out.bias.copy_(w["out.bias"])
    return net
