"""PyTorch on the CPU: the same job and the same messages as child.ts.

`pytorch` is the network as one writes it. `pytorch-tuned` is the same in memory format
channels_last, with Adam's fused kernel.
"""

import json
import os
import struct
import sys
import time

import torch
import torch.nn as nn
import torch.nn.functional as F

torch.backends.nnpack.set_flags(False)  # otherwise warns on every call about unknown processors


def load(path):
    """The tensors of a safetensors file."""
    with open(path, "rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(length))
        data = bytearray(file.read())
    header.pop("__metadata__", None)
    tensors = {}
    for name, entry in header.items():
        begin, end = entry["data_offsets"]
        kind = {"F32": torch.float32, "F64": torch.float64, "I64": torch.int64}[entry["dtype"]]
        values = torch.frombuffer(data[begin:end], dtype=kind)
        tensors[name] = values.reshape(entry["shape"])
    return tensors


class Activation(nn.Module):
    """The series activation."""

    def __init__(self, channels, width, norm):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(channels, 1, 2 * width + 1, 2 * width + 1))
        self.bn = nn.BatchNorm2d(channels, **norm)
        self.width = width

    def forward(self, x):
        return self.bn(F.conv2d(F.relu(x), self.weight, padding=self.width, groups=x.shape[1]))


def convolution(inner, outer, norm, kernel=1):
    """Convolution and norm; the kernel is its own stride."""
    return nn.Sequential(nn.Conv2d(inner, outer, kernel, kernel), nn.BatchNorm2d(outer, **norm))


class Stage(nn.Module):
    def __init__(self, inner, outer, stride, width, norm):
        super().__init__()
        self.conv1 = convolution(inner, inner, norm)
        self.conv2 = convolution(inner, outer, norm)
        self.pool = nn.MaxPool2d(stride)
        self.act = Activation(outer, width, norm)

    def forward(self, x, slope):
        x = F.leaky_relu(self.conv1(x), slope)
        return self.act(self.pool(self.conv2(x)))


class VanillaNet(nn.Module):
    def __init__(self, config, norm):
        super().__init__()
        dims, width, classes = config["dims"], config["act_num"], config["num_classes"]
        self.stem1 = convolution(config["in_chans"], dims[0], norm, 4)
        self.stem2 = nn.Sequential(*convolution(dims[0], dims[0], norm), Activation(dims[0], width, norm))
        self.stages = nn.ModuleList(
            Stage(inner, outer, stride, width, norm)
            for inner, outer, stride in zip(dims, dims[1:], config["strides"])
        )
        self.cls1 = nn.Sequential(
            nn.AdaptiveAvgPool2d(1), nn.Dropout(config["drop_rate"]), *convolution(dims[-1], classes, norm)
        )
        self.cls2 = nn.Sequential(nn.Conv2d(classes, classes, 1))

    def forward(self, x, slope):
        x = self.stem2(F.leaky_relu(self.stem1(x), slope))
        for stage in self.stages:
            x = stage(x, slope)
        return self.cls2(F.leaky_relu(self.cls1(x), slope)).flatten(1)


def measure(job, send):
    torch.set_num_threads(1)
    torch.set_num_interop_threads(1)
    config, adam, folder = job["network"], job["adam"], job["folder"]

    def floats(name, shape):
        with open(os.path.join(folder, name), "rb") as file:
            return torch.frombuffer(bytearray(file.read()), dtype=torch.float32).reshape(shape)

    x = floats("images.f32", [job["batch"], config["in_chans"], *config["input_size"]])
    targets = floats("targets.f32", [job["batch"], config["num_classes"]])
    network = VanillaNet(config, job["batchNorm"])
    network.load_state_dict(load(os.path.join(folder, "network.safetensors")))
    network.train()
    tuned = job["trainer"] == "pytorch-tuned"
    if tuned:
        network.to(memory_format=torch.channels_last)
        x = x.contiguous(memory_format=torch.channels_last)
    options = {"fused": True} if tuned else {}
    optimizer = torch.optim.Adam(network.parameters(), adam["lr"], tuple(adam["betas"]), adam["eps"], **options)

    def step():
        optimizer.zero_grad()
        loss = F.cross_entropy(network(x, job["lambda"]), targets)
        loss.backward()
        optimizer.step()
        return loss.item()

    send(event="losses", values=[step() for _ in range(job["lossCount"])], version=torch.__version__)
    if job["steps"] == 0:
        return
    begin, done = time.perf_counter(), 0
    while done < job["warmUp"]["steps"] or 1000 * (time.perf_counter() - begin) < job["warmUp"]["ms"]:
        step()
        done += 1
    ms = []
    for _ in range(job["steps"]):
        begin = time.perf_counter()
        loss = step()
        ms.append(1000 * (time.perf_counter() - begin))
    send(event="done", ms=ms, loss=loss)


with os.fdopen(3, "w") as messages:

    def send(**message):
        messages.write(json.dumps(message) + "\n")
        messages.flush()

    try:
        measure(json.loads(sys.argv[1]), send)
    except Exception as error:
        send(event="failed", reason=str(error))
