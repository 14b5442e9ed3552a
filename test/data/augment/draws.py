"""What torchvision and timm draw, and what timm's ops do to a picture.

    python draws.py job.json out.json

A job has `n`, the number of draws, and `picture`: height, width and data, a list of bytes [height, width, 3].
"""

import json
import math
import random
import sys
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from timm.data import create_transform
from timm.data import auto_augment
from timm.data.mixup import Mixup, rand_bbox
from timm.data.random_erasing import RandomErasing
from torchvision import transforms

job = json.loads(Path(sys.argv[1]).read_text())
N = job['n']
random.seed(1)
np.random.seed(2)
torch.manual_seed(3)

out = {}

# torchvision
image = Image.new('RGB', (90, 60))
windows = [transforms.RandomResizedCrop.get_params(image, [0.1, 0.9], [0.6, 1.8]) for _ in range(N)]
out['resizedCrop'] = [list(map(int, window)) for window in windows]
jitter = transforms.ColorJitter(0.4, 1.3, 0.2, 0.1)
params = [
    jitter.get_params(jitter.brightness, jitter.contrast, jitter.saturation, jitter.hue) for _ in range(N)
]
out['jitter'] = [[''.join(str(int(i)) for i in order), *map(float, factors)] for order, *factors in params]
out['rotation'] = [transforms.RandomRotation.get_params([-20.0, 20.0]) for _ in range(N)]
crop = transforms.RandomCrop(8, padding=3)
out['randomCrop'] = [list(map(int, crop.get_params(torch.empty(3, 14, 14), (8, 8))))[:2] for _ in range(N)]

# timm
erasing = RandomErasing(probability=0.6, min_area=0.05, max_area=0.4, min_aspect=0.5, max_count=1, device='cpu')
blocks = []
for _ in range(N):
    x = erasing(torch.ones(1, 48, 40))[0]
    rows, columns = torch.where(x == 0)
    if len(rows) == 0:
        blocks.append(None)
    else:
        top, left = int(rows.min()), int(columns.min())
        blocks.append([top, left, int(rows.max()) - top + 1, int(columns.max()) - left + 1])
out['erasing'] = blocks


def mixes(**options):
    mix = Mixup(label_smoothing=0.1, num_classes=3, **options)
    drawn = []
    for _ in range(N):
        lam, use_cutmix = mix._params_per_batch()
        drawn.append([float(lam), bool(use_cutmix)])
    return drawn


out['mixes'] = mixes(mixup_alpha=0.2, cutmix_alpha=1.0, prob=0.7, switch_prob=0.4)


def boxes():
    for lam in (0.0, 0.1, 0.3, 0.5, 0.77, 0.9, 0.99):
        for cy, cx in ((0, 0), (5, 11), (23, 20), (47, 39)):
            picked = iter((cy, cx))
            np.random.randint, keep = (lambda *_, **__: np.int64(next(picked))), np.random.randint
            box = [int(v) for v in rand_bbox((3, 48, 40), lam)]
            np.random.randint = keep
            yield [lam, cy, cx, *box]


out['boxes'] = list(boxes())

ops = auto_augment.rand_augment_transform('rand-m7-mstd0.5-inc1', {'img_mean': (124, 116, 104)})
names = []


def recorded(op):
    def call(picture):
        if random.random() <= op.prob:
            magnitude = max(0.0, min(random.gauss(op.magnitude, op.magnitude_std), 10.0))
            names.append([op.name, magnitude])
        return picture
    return call


out['ops'] = [op.name for op in ops.ops]
out['opSettings'] = [[op.prob, op.magnitude, op.hparams['magnitude_std']] for op in ops.ops]
for op in ops.ops:
    op.magnitude_std = op.hparams['magnitude_std']
choices = auto_augment.RandAugment([recorded(op) for op in ops.ops], num_layers=ops.num_layers)
for _ in range(N):
    names.append(None)
    choices(Image.new('RGB', (2, 2)))
out['randAugment'] = names

# Each op with given arguments. At magnitude 10, Pillow 13 refuses to posterize to 0 bits.
height, width, data = (job['picture'][key] for key in ('height', 'width', 'data'))
picture = Image.fromarray(np.array(data, dtype=np.uint8).reshape(height, width, 3))
steps = []
for name in auto_augment._RAND_INCREASING_TRANSFORMS:
    for m in (0.0, 1.7, 5.0, 7.3, 9.9):
        for negative in (False, True):
            for sampling in ('bilinear', 'bicubic'):
                hparams = {
                    'img_mean': (124, 116, 104), 'interpolation': getattr(Image.Resampling, sampling.upper()),
                }
                op = auto_augment.AugmentOp(name, prob=1.0, magnitude=m, hparams=hparams)
                random.random, keep = (lambda: 0.9 if negative else 0.1), random.random
                result = np.asarray(op(picture))
                random.random = keep
                steps.append([name, m, -1 if negative else 1, sampling, result.transpose(2, 0, 1).ravel().tolist()])
out['steps'] = steps

# Mixing of a batch, with smoothing 0.1.
x = torch.arange(4 * 2 * 3 * 3, dtype=torch.float32).reshape(4, 2, 3, 3).sin()
mix = Mixup(mixup_alpha=1.0, label_smoothing=0.1, num_classes=3)
mix._params_per_batch = lambda: (0.3, False)
mixed, targets = mix(x.clone(), torch.tensor([0, 1, 2, 0]))
out['mixed'] = {'x': x.flatten().tolist(), 'mixed': mixed.flatten().tolist(), 'targets': targets.flatten().tolist()}

pipeline = create_transform(
    (3, 224, 224), is_training=True, auto_augment='rand-m7-mstd0.5-inc1', color_jitter=0.4, re_prob=0.25,
    re_mode='pixel', interpolation='bicubic', hflip=0.5,
)
out['pipeline'] = [type(step).__name__ for step in pipeline.transforms]
crop = pipeline.transforms[0]
out['cropDefaults'] = [list(crop.scale), list(crop.ratio)]
out['erasingDefaults'] = [
    pipeline.transforms[-1].min_area, pipeline.transforms[-1].max_area,
    [math.exp(v) for v in pipeline.transforms[-1].log_aspect_ratio],
]
Path(sys.argv[2]).write_text(json.dumps(out))
