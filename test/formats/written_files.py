"""Reads files by PyTorch and PaddlePaddle, and prints as JSON what they have:

    python written_files.py FRAMEWORK FILE…

By the name of each file: pairs of a name and `{dtype, shape, values}`, with the SHA-256 of the values' bytes. With PyTorch
also whether `load_state_dict(strict=True)` of the network beside it, `FILE.json`, takes it.
"""

import hashlib
import json
import sys
from pathlib import Path

framework, *files = sys.argv[1:]


def described(array):
    assert array.flags['C_CONTIGUOUS']
    return {
        'dtype': str(array.dtype),
        'shape': list(array.shape),
        'values': hashlib.sha256(array.tobytes()).hexdigest(),
    }


def torch_tensors(file):
    import torch

    sys.path.insert(0, str(Path(__file__).resolve().parents[1] / 'diff'))
    from network import VanillaNet

    state = torch.load(file, weights_only=True)
    mapped = torch.load(file, weights_only=True, mmap=True)
    assert all(torch.equal(tensor, mapped[name]) for name, tensor in state.items())
    network = VanillaNet(**json.loads(Path(f'{file}.json').read_text()))
    network.load_state_dict(state, strict=True)
    return {name: tensor.numpy() for name, tensor in state.items()}


def paddle_tensors(file):
    import paddle

    return {name: tensor.numpy() for name, tensor in paddle.load(file).items()}


read = {'torch': torch_tensors, 'paddle': paddle_tensors}[framework]
contents = {
    Path(file).name: [[name, described(array)] for name, array in read(file).items()] for file in files
}
print(json.dumps(contents))
