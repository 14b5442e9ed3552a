"""Writes down what every module of a PyTorch network makes of a batch, for `npx vanillanet diff`.

    from dump import dump

    dump(model, x, 'dump.safetensors')

    npx vanillanet diff --weights weights.safetensors --backends reference,dump.safetensors

The network's modules must have the official code's names (stem1.0, stages.0.act, cls2, ...), as its weights do. Only
PyTorch and the standard library are needed.
"""

import json
import struct

import torch


def save(tensors, path):
    """float32 tensors as safetensors: the header's length, the header, the numbers."""
    header, end = {}, 0
    for name, tensor in tensors.items():
        begin, end = end, end + 4 * tensor.numel()
        header[name] = {'dtype': 'F32', 'shape': list(tensor.shape), 'data_offsets': [begin, end]}
    text = json.dumps(header).encode()
    text += b' ' * (-len(text) % 8)  # the numbers begin at a multiple of eight
    with open(path, 'wb') as file:
        file.write(struct.pack('<Q', len(text)) + text)
        for tensor in tensors.values():
            # A list of numbers, so that NumPy is not needed.
            file.write(struct.pack(f'<{tensor.numel()}f', *tensor.flatten().tolist()))


def dump(model, x, path):
    """Runs the model in evaluation mode on x [n,c,h,w]; writes x as `input` and each module's output by its name."""
    tensors = {'input': x.detach().clone().float()}

    def keep(name):
        # A copy: what comes next may write over it. Of a module that runs twice the last output stays.
        return lambda module, args, y: tensors.__setitem__(name, y.detach().cpu().clone().float().contiguous())

    hooks = [
        module.register_forward_hook(keep(name))
        for name, module in model.named_modules()
        if name and not isinstance(module, (torch.nn.Identity, torch.nn.ModuleList))
    ]
    training = model.training
    model.eval()
    try:
        with torch.no_grad():
            tensors['logits'] = model(x).detach().cpu().clone().float().contiguous()
    finally:
        for hook in hooks:
            hook.remove()
        model.train(training)
    save(tensors, path)
