"""Writes VanillaNets with PyTorch, and their logits in float64, into a folder:

    python networks.py FOLDER

`FOLDER/jobs.json` lists networks: `name`, `variant`, `dims`, `strides`, `ada_pool`, `num_classes`, `act_num`, `input_size`,
`seed`. Of each, `NAME.x` has two images as float64, and this writes

- `NAME.pth`: a checkpoint of the train form, as the official code writes it, and `NAME.logits`, its logits as float64
- `NAME.deploy.pth`: the state_dict of the deploy form, fused in float64 and cast, and `NAME.deploy.logits`

The statistics of the batch normalizations come from random images, and are then changed by up to 30%.
"""

import argparse
import json
import sys
from pathlib import Path

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / 'diff'))
from network import VanillaNet  # noqa: E402

SLOPE = 1.0
CALIBRATION_IMAGES = 4


def drawn(job):
    """A network of the train form with random weights, in evaluation mode."""
    generator = torch.Generator().manual_seed(job['seed'])
    model = VanillaNet(**sizes(job), form='train', slope=SLOPE)

    def uniform(shape):
        return 2 * torch.rand(shape, generator=generator) - 1

    for name, tensor in model.state_dict().items():
        if tensor.dim() == 4:
            # The variance of the outputs is that of the inputs.
            tensor.copy_(uniform(tensor.shape) * (3 / tensor[0].numel()) ** 0.5)
        elif name.endswith('.weight'):
            tensor.copy_(1 + 0.3 * uniform(tensor.shape))
        elif name.endswith('.bias'):
            tensor.copy_(0.2 * uniform(tensor.shape))
    norms = [module for module in model.modules() if isinstance(module, torch.nn.BatchNorm2d)]
    for norm in norms:
        norm.momentum = None
    size = job['input_size']
    with torch.no_grad():
        model.train()(torch.randn(CALIBRATION_IMAGES, 3, size, size, generator=generator))
        for norm in norms:
            # A channel without variance would be amplified a thousandfold.
            norm.running_var.clamp_(min=0.01).mul_(1 + 0.3 * uniform(norm.running_var.shape))
            norm.running_mean.mul_(1 + 0.3 * uniform(norm.running_mean.shape))
    return model.eval()


def sizes(job):
    keys = ('dims', 'strides', 'ada_pool', 'num_classes', 'act_num')
    return {'in_chans': 3, **{key: job[key] for key in keys}}


def folded(weight, bias, norm):
    scale = norm.weight / (norm.running_var + norm.eps).sqrt()
    return weight * scale.view(-1, 1, 1, 1), norm.bias + (bias - norm.running_mean) * scale


def chained(first, second):
    (w1, b1), (w2, b2) = first, second
    w2 = w2[:, :, 0, 0]
    return torch.einsum('oi,icjk->ocjk', w2, w1), b2 + w2 @ b1


def folded_pair(pair):
    conv, norm = pair[0], pair[1]
    return folded(conv.weight, conv.bias, norm)


def fused(model):
    """The state_dict of the deploy form. The model is in float64."""
    state = {}

    def put(name, pair):
        state[f'{name}.weight'], state[f'{name}.bias'] = (tensor.float() for tensor in pair)

    put('stem.0', chained(folded_pair(model.stem1), folded_pair(model.stem2)))
    put('stem.1', folded(model.stem2[2].weight, 0.0, model.stem2[2].bn))
    for i, stage in enumerate(model.stages):
        put(f'stages.{i}.conv', chained(folded_pair(stage.conv1), folded_pair(stage.conv2)))
        put(f'stages.{i}.act', folded(stage.act.weight, 0.0, stage.act.bn))
    head = folded(model.cls1[2].weight, model.cls1[2].bias, model.cls1[3])
    put('cls.2', chained(head, (model.cls2[0].weight, model.cls2[0].bias)))
    return state


def write(folder, job):
    name, size = job['name'], job['input_size']
    model = drawn(job)
    args = argparse.Namespace(
        **dict(model=job['variant'], nb_classes=job['num_classes'], act_num=job['act_num'], drop=0.0),
        **dict(input_size=size, crop_pct=None, decay_epochs=100, decay_linear=True),
    )
    torch.save({'model': model.state_dict(), 'epoch': 299, 'scaler': {}, 'args': args}, folder / f'{name}.pth')
    x = torch.from_numpy(np.fromfile(folder / f'{name}.x').reshape(-1, 3, size, size))
    with torch.no_grad():
        model.double()(x).numpy().tofile(folder / f'{name}.logits')
        state = fused(model)
        del model
        torch.save(state, folder / f'{name}.deploy.pth')
        deploy = VanillaNet(**sizes(job), form='deploy', slope=SLOPE).double().eval()
        deploy.load_state_dict(state)
        deploy(x).numpy().tofile(folder / f'{name}.deploy.logits')


if __name__ == '__main__':
    torch.set_num_threads(1)
    folder = Path(sys.argv[1])
    for job in json.loads((folder / 'jobs.json').read_text()):
        write(folder, job)
