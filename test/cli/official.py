"""Prepares pictures as the evaluation of the official code of VanillaNet does, by torchvision.

    python official.py jobs.json out.bin

Each job has the path of a picture, input_size and crop_pct (null if it is not stated). out.bin has the pixels [3, h, w]
of each, and then its input [3, h, w] as float32.
"""

import json
import sys
from pathlib import Path

import numpy as np
from PIL import Image
from torchvision import transforms
from torchvision.datasets.folder import pil_loader

BICUBIC = transforms.InterpolationMode.BICUBIC
resize = Image.Image.resize


def resize_horizontally_first(image, size, resample=None, box=None, reducing_gap=None):
    """The order of the passes up to Pillow 12; Pillow 13 begins with the vertical one where that costs less."""
    assert box is None and reducing_gap is None
    return resize(resize(image, (size[0], image.height), resample), size, resample)


Image.Image.resize = resize_horizontally_first


def scaling(input_size, crop_pct):
    if input_size >= 384:
        return [transforms.Resize((input_size, input_size), interpolation=BICUBIC)]
    scaled = int(input_size / (224 / 256 if crop_pct is None else crop_pct))
    return [transforms.Resize(scaled, interpolation=BICUBIC), transforms.CenterCrop(input_size)]


to_input = transforms.Compose([
    transforms.ToTensor(),
    transforms.Normalize((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
])

with Path(sys.argv[2]).open('wb') as out:
    for job in json.loads(Path(sys.argv[1]).read_text()):
        # As ImageFolder loads pictures: EXIF is not looked at.
        image = pil_loader(job['file'])
        for transform in scaling(job['input_size'], job['crop_pct']):
            image = transform(image)
        out.write(np.asarray(image).transpose(2, 0, 1).tobytes())
        out.write(to_input(image).numpy().astype('<f4').tobytes())
