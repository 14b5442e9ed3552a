"""What the safetensors library reads in each file of a folder, as JSON: null if it refuses the file."""

import json
import struct
import sys
from pathlib import Path

from safetensors import SafetensorError, deserialize, safe_open


def bfloat16(data):
    halves = struct.unpack(f"<{len(data) // 2}H", data)
    return struct.unpack(f"<{len(halves)}f", b"".join(struct.pack("<I", half << 16) for half in halves))


UNPACK = {
    "F64": lambda data: struct.unpack(f"<{len(data) // 8}d", data),
    "F32": lambda data: struct.unpack(f"<{len(data) // 4}f", data),
    "F16": lambda data: struct.unpack(f"<{len(data) // 2}e", data),
    "BF16": bfloat16,
    "I64": lambda data: struct.unpack(f"<{len(data) // 8}q", data),
}


def read(path):
    try:
        tensors = deserialize(path.read_bytes())
        with safe_open(path, "np") as file:
            metadata = file.metadata()
    except SafetensorError:
        return None
    values = {
        name: {"shape": each["shape"], "values": [repr(v) for v in UNPACK.get(each["dtype"], lambda _: [])(each["data"])]}
        for name, each in tensors
    }
    return {"tensors": values, "metadata": metadata or {}}


print(json.dumps({path.name: read(path) for path in sorted(Path(sys.argv[1]).iterdir())}))
