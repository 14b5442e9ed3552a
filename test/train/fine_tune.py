"""Steps of a fine-tuning with PyTorch, in float64: frozen parts, batch norms in evaluation, a learning rate of the head's own.

    python fine_tune.py jobs.json

A job has `network`, `weights` (safetensors), `x`, `targets` and `result` (paths of safetensors and JSON), `freeze`, and
`optimizer` with `head_lr`. The result has the losses and the state after the last step.
"""

import json
import sys
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional as F

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / 'diff'))
from network import VanillaNet, load  # noqa: E402

PARTS = {'backbone': ('stem', 'stages'), 'head': ('cls',)}
OPTIMIZERS = {'adam': torch.optim.Adam, 'adamw': torch.optim.AdamW, 'sgd': torch.optim.SGD}


def freeze(model, parts):
    """What users of PyTorch write: no gradients, and batch norms that evaluate."""
    model.train()
    for part in parts:
        if part == 'bn':
            chosen = [module for name, module in model.named_modules() if not name.startswith('cls')]
        else:
            # With a dot after a stage's number: `stages.1` is not `stages.10`.
            starts = PARTS.get(part, (part + '.' if part.startswith('stages.') else part,))
            for name, parameter in model.named_parameters():
                if name.startswith(starts):
                    parameter.requires_grad_(False)
            chosen = [module for name, module in model.named_modules() if (name + '.').startswith(starts)]
        for module in chosen:
            if isinstance(module, nn.BatchNorm2d):
                module.eval()


def optimizer_of(model, kind, lr, head_lr, **options):
    trained = [(name, parameter) for name, parameter in model.named_parameters() if parameter.requires_grad]
    head = [parameter for name, parameter in trained if name.startswith('cls')]
    rest = [parameter for name, parameter in trained if not name.startswith('cls')]
    groups = [{'params': head, 'lr': head_lr}, {'params': rest, 'lr': lr}]
    return OPTIMIZERS[kind]([group for group in groups if group['params']], lr=lr, **options)


def run(job):
    model = VanillaNet(**job['network']).double()
    model.load_state_dict({name: tensor.double() for name, tensor in load(job['weights']).items()}, strict=False)
    freeze(model, job['freeze'])
    optimizer = optimizer_of(model, **job['optimizer'])
    losses = []
    inputs = load(job['inputs'])
    for x, targets in zip(inputs['x'].double(), inputs['targets'].double()):
        loss = -(targets * F.log_softmax(model(x), 1)).sum(1).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    state = {name: tensor.double().flatten().tolist() for name, tensor in model.state_dict().items()}
    # Python writes as many digits as it takes to read the same float64.
    Path(job['result']).write_text(json.dumps({'losses': losses, 'state': state}))


if __name__ == '__main__':
    torch.set_num_threads(1)
    for each in json.load(open(sys.argv[1])):
        run(each)
