"""VanillaNet with PyTorch's modules under the official names, and dumps of what they do.

    python network.py job.json

A job has `networks`, each with `weights`, `dump`, and the configuration; and `faults` where a mistake is wanted.
"""

import json
import struct
import sys
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional as F

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / 'examples' / 'pytorch'))
from dump import dump  # noqa: E402


def load(path):
    with open(path, 'rb') as file:
        (length,) = struct.unpack('<Q', file.read(8))
        header = json.loads(file.read(length))
        data = bytearray(file.read())
    header.pop('__metadata__', None)
    types = {'F32': torch.float32, 'F64': torch.float64, 'I64': torch.int64}
    tensors = {}
    for name, entry in header.items():
        begin, end = entry['data_offsets']
        values = torch.frombuffer(data[begin:end], dtype=types[entry['dtype']])
        tensors[name] = values.reshape(entry['shape'])
    return tensors


def norm(channels, eps=1e-6):
    return nn.BatchNorm2d(channels, eps=eps)


class Activation(nn.ReLU):
    def __init__(self, dim, n, deploy):
        super().__init__()
        self.n, self.dim = n, dim
        self.weight = nn.Parameter(torch.zeros(dim, 1, 2 * n + 1, 2 * n + 1))
        self.bias = nn.Parameter(torch.zeros(dim)) if deploy else None
        if not deploy:
            self.bn = norm(dim)

    def forward(self, x):
        y = F.conv2d(super().forward(x), self.weight, self.bias, padding=self.n, groups=self.dim)
        return y if self.bias is not None else self.bn(y)


class Block(nn.Module):
    def __init__(self, d, out, stride, n, deploy, slope, size=0):
        super().__init__()
        self.deploy, self.slope = deploy, slope
        if deploy:
            self.conv = nn.Conv2d(d, out, 1)
        else:
            self.conv1 = nn.Sequential(nn.Conv2d(d, d, 1), norm(d))
            self.conv2 = nn.Sequential(nn.Conv2d(d, out, 1), norm(out))
        if size:
            self.pool = nn.AdaptiveMaxPool2d(size)
        else:
            self.pool = nn.Identity() if stride == 1 else nn.MaxPool2d(stride)
        self.act = Activation(out, n, deploy)

    def forward(self, x):
        x = self.conv(x) if self.deploy else self.conv2(F.leaky_relu(self.conv1(x), self.slope))
        return self.act(self.pool(x))


class VanillaNet(nn.Module):
    def __init__(self, in_chans, dims, strides, num_classes, act_num, form, slope, ada_pool=None):
        super().__init__()
        self.deploy, self.slope = form == 'deploy', slope
        window = dict(stride=3, padding=1) if ada_pool else dict(stride=4)
        first = nn.Conv2d(in_chans, dims[0], 4, **window)
        act = Activation(dims[0], act_num, self.deploy)
        if self.deploy:
            self.stem = nn.Sequential(first, act)
            self.cls = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Dropout(0), nn.Conv2d(dims[-1], num_classes, 1))
        else:
            self.stem1 = nn.Sequential(first, norm(dims[0]))
            self.stem2 = nn.Sequential(nn.Conv2d(dims[0], dims[0], 1), norm(dims[0]), act)
            head = nn.Conv2d(dims[-1], num_classes, 1)
            self.cls1 = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Dropout(0), head, norm(num_classes))
            self.cls2 = nn.Sequential(nn.Conv2d(num_classes, num_classes, 1))
        self.stages = nn.ModuleList(
            Block(d, out, stride, act_num, self.deploy, slope, size)
            for d, out, stride, size in zip(dims, dims[1:], strides, ada_pool or [0] * len(strides))
        )

    def forward(self, x):
        x = self.stem(x) if self.deploy else self.stem2(F.leaky_relu(self.stem1(x), self.slope))
        for stage in self.stages:
            x = stage(x)
        x = self.cls(x) if self.deploy else self.cls2(F.leaky_relu(self.cls1(x), self.slope))
        return x.flatten(1)


def break_it(model, fault):
    """The mistakes that porting makes."""
    module = model.get_submodule(fault['module'])
    if fault['kind'] == 'eps':
        module.eps = fault['eps']
    elif fault['kind'] == 'transposed':
        module.weight.data = module.weight.data.transpose(2, 3).contiguous()


if __name__ == '__main__':
    torch.set_num_threads(1)
    for job in json.load(open(sys.argv[1])):
        model = VanillaNet(**job['network'])
        model.load_state_dict(load(job['weights']))
        if 'fault' in job:
            break_it(model, job['fault'])
        dump(model, load(job['input'])['x'].float(), job['dump'])
