"""PyTorch on the CPU, for scale: the same job and the same messages as child.ts."""

import json
import os
import struct
import sys
import time

import torch
import torch.nn.functional as F

SIDE, CHANNELS = 224, 3


def load(path):
    """The tensors of a safetensors file; all of them are float32."""
    with open(path, "rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(length))
        data = bytearray(file.read())
    header.pop("__metadata__", None)
    tensors = {}
    for name, entry in header.items():
        begin, end = entry["data_offsets"]
        values = torch.frombuffer(data, dtype=torch.float32, offset=begin, count=(end - begin) // 4)
        tensors[name] = values.reshape(entry["shape"])
    return tensors


def convolve(step, weights, x):
    name = step["name"]
    groups = step["weight"][0] if step["depthwise"] else 1
    x = F.conv2d(x, weights[f"{name}.weight"], weights[f"{name}.bias"], step["stride"], step["padding"], groups=groups)
    if step["relu"]:
        x = F.relu_(x)
    return F.max_pool2d(x, step["pool"]) if step["pool"] > 1 else x


def forward(chain, weights, x):
    for step in chain["body"]:
        x = convolve(step, weights, x)
    return convolve(chain["head"], weights, F.adaptive_avg_pool2d(x, 1)).flatten(1)


def peak_rss_kib():
    if sys.platform == "linux":
        with open("/proc/self/status") as file:
            return next(int(line.split()[1]) for line in file if line.startswith("VmHWM:"))
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak // 1024 if sys.platform == "darwin" else peak


def measure(job, send):
    torch.set_num_threads(job["threads"])
    torch.set_num_interop_threads(1)
    models = job["models"]
    with open(os.path.join(models, "chain.json")) as file:
        chain = json.load(file)
    weights = load(os.path.join(models, "network.safetensors"))
    count = job["batch"] * CHANNELS * SIDE * SIDE
    with open(os.path.join(models, "images-nchw.f32"), "rb") as file:
        images = torch.frombuffer(bytearray(file.read(4 * count)), dtype=torch.float32)
    images = images.reshape(job["batch"], CHANNELS, SIDE, SIDE)

    runs = 0

    def timed():
        nonlocal runs
        begin = time.perf_counter()
        logits = forward(chain, weights, images)
        ms = 1000 * (time.perf_counter() - begin)
        runs += 1
        if runs == job["peakAfter"]:
            send(event="peak", rssKiB=peak_rss_kib())
        return ms, logits

    with torch.inference_mode():
        _, logits = timed()
        send(event="first")
        send(event="logits", values=logits.flatten().tolist(), binaries=[], version=torch.__version__)
        if job["runs"] == 0:
            return
        begin, done = time.perf_counter(), 0
        while done < job["warmUp"]["runs"] or 1000 * (time.perf_counter() - begin) < job["warmUp"]["ms"]:
            timed()
            done += 1
        ms = []
        for _ in range(job["runs"]):
            taken, logits = timed()
            ms.append(taken)
        send(event="done", ms=ms, values=logits.flatten().tolist())


with os.fdopen(3, "w") as messages:

    def send(**message):
        messages.write(json.dumps(message) + "\n")
        messages.flush()

    try:
        measure(json.loads(sys.argv[1]), send)
    except Exception as error:
        send(event="failed", reason=str(error))
