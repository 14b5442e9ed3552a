"""Writes the golden values next to this file: the results of Pillow, torchvision and timm for small images.

    python test/image/generate.py

goldens.bin contains bytes, goldens.json describes them. README.md describes both.
"""

import hashlib
import json
import math
import platform
from pathlib import Path

import numpy as np
import PIL
import timm
import torch
import torchvision
from PIL import Image
from timm.data import create_transform
from timm.data.transforms import ResizeKeepRatio, str_to_interp_mode
from torchvision import transforms
from torchvision.transforms import functional as F

HERE = Path(__file__).resolve().parent
FILTERS = ['bicubic', 'bilinear', 'box']
MEAN, STD = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]

blob = bytearray()


def store(array):
    """Appends the bytes of an array to the blob and returns their range: [begin, end]."""
    begin = len(blob)
    blob.extend(np.ascontiguousarray(array).tobytes())
    return [begin, len(blob)]


def noise(height, width, seed):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def gradient(height, width):
    y, x = np.mgrid[0:height, 0:width]
    return np.stack([255 * x // (width - 1), 255 * y // (height - 1), (3 * x + 5 * y) % 256], axis=-1).astype(np.uint8)


def stripes(height, width):
    """Black and white by pixels, pairs and blocks: a cubic exceeds 0..255 at every edge."""
    y, x = np.mgrid[0:height, 0:width]
    return np.stack([255 * (x % 2), 255 * (x // 2 % 2), 255 * ((x // 6 + y // 5) % 2)], axis=-1).astype(np.uint8)


IMAGES = {
    'noise': noise(23, 31, 1),
    'even': noise(32, 32, 2),
    'large': noise(61, 94, 3),
    'gradient': gradient(24, 36),
    'stripes': stripes(20, 26),
    'pixel': noise(1, 1, 4),
    'row': noise(1, 23, 5),
    'column': noise(19, 1, 6),
    'wide': noise(3, 300, 7),
    # Beyond 100 to 1, Pillow 12.3 resizes vertically first, unlike all earlier versions.
    'tall': noise(190, 2, 8),
}

# Height and width of the results for each image.
RESIZES = {
    'noise': [(23, 31), (23, 12), (9, 31), (11, 16), (12, 15), (46, 20), (37, 47), (1, 1), (22, 30), (5, 60)],
    'even': [(36, 36), (16, 16), (8, 32), (13, 7), (33, 31)],
    'large': [(7, 11), (30, 47), (29, 5), (1, 40), (61, 3)],
    'gradient': [(12, 18), (8, 9), (30, 50), (23, 37)],
    'stripes': [(13, 17), (29, 41), (19, 25), (7, 5)],
    'pixel': [(1, 1), (3, 5)],
    'row': [(1, 7), (4, 9), (2, 40)],
    'column': [(6, 1), (5, 3), (31, 2)],
    'wide': [(3, 8), (1, 2), (9, 20)],
    'tall': [(9, 2), (3, 1), (8, 12)],
}

CROPS = {
    # Even and odd margins, and crops that exceed the image by even and odd numbers of pixels.
    'noise': [(23, 31), (22, 30), (21, 29), (20, 28), (20, 27), (19, 26), (1, 1), (24, 32), (26, 33), (25, 10), (8, 36)],
    'row': [(1, 4), (4, 4), (3, 26)],
    'column': [(5, 1), (22, 2)],
}

# image, (height, width), crop_pct, interpolation
FITS = [
    ('large', (16, 16), 0.875, 'bicubic'),
    ('large', (15, 15), 0.875, 'bilinear'),
    ('large', (24, 24), 0.9, 'bicubic'),
    ('large', (13, 13), 1.0, 'box'),
    ('noise', (28, 28), 0.875, 'bicubic'),
    ('noise', (17, 17), 0.95, 'bilinear'),
    ('even', (32, 32), 1.0, 'bicubic'),
    ('even', (32, 32), 0.875, 'bicubic'),
    ('gradient', (20, 20), 0.875, 'bicubic'),
    ('stripes', (26, 26), 0.875, 'bicubic'),
    ('pixel', (5, 5), 0.875, 'bicubic'),
    ('row', (4, 4), 0.875, 'bilinear'),
    ('wide', (8, 8), 0.875, 'bicubic'),
    ('tall', (7, 7), 0.875, 'bicubic'),
    ('large', (16, 24), 0.875, 'bicubic'),
    ('large', (24, 10), 0.875, 'bilinear'),
    ('noise', (9, 20), 0.9, 'bicubic'),
    ('column', (3, 5), 0.875, 'bicubic'),
]


def resize_cases():
    for name, sizes in RESIZES.items():
        for (height, width) in sizes:
            for kind in FILTERS:
                resized = Image.fromarray(IMAGES[name]).resize((width, height), Image.Resampling[kind.upper()])
                yield {'image': name, 'size': [height, width], 'interpolation': kind, 'bytes': store(np.asarray(resized))}


def crop_cases():
    for name, sizes in CROPS.items():
        for size in sizes:
            cropped = F.center_crop(Image.fromarray(IMAGES[name]), list(size))
            yield {'image': name, 'size': size, 'bytes': store(np.asarray(cropped))}


def evaluation(size, crop_pct, interpolation):
    """timm's transform without normalization."""
    if size[0] == size[1]:
        return transforms.Compose(create_transform(
            (3, *size), crop_pct=crop_pct, interpolation=interpolation, normalize=False).transforms[:2])
    # For a target that is not square timm ignores the interpolation, so its ResizeKeepRatio is called directly.
    scale = [math.floor(side / crop_pct) for side in size]
    return transforms.Compose([ResizeKeepRatio(scale, interpolation=interpolation), transforms.CenterCrop(size)])


def fit_cases():
    for name, size, crop_pct, interpolation in FITS:
        image = Image.fromarray(IMAGES[name])
        fitted = np.asarray(evaluation(size, crop_pct, interpolation)(image))
        assert fitted.shape == (*size, 3)
        yield {
            'image': name, 'size': size, 'crop_pct': crop_pct, 'interpolation': interpolation, 'bytes': store(fitted),
        }
    for name, size, interpolation in [('large', (9, 9), 'bicubic'), ('noise', (30, 11), 'bilinear')]:
        fitted = F.resize(Image.fromarray(IMAGES[name]), list(size), str_to_interp_mode(interpolation))
        yield {'image': name, 'size': size, 'resize': 'exact', 'interpolation': interpolation, 'bytes': store(fitted)}


def normalized_case():
    """timm's transform with normalization, in float32."""
    transform = create_transform((3, 12, 12), crop_pct=0.875, interpolation='bicubic', mean=MEAN, std=STD)
    pixels = transform(Image.fromarray(IMAGES['large'])).numpy()
    assert pixels.shape == (3, 12, 12) and pixels.dtype == np.float32
    return {'image': 'large', 'size': [12, 12], 'mean': MEAN, 'std': STD, 'bytes': store(pixels.astype('<f4'))}


def scaled_size(h, w, size, crop_pct):
    scale = [math.floor(side / crop_pct) for side in size]
    image = torch.empty(3, h, w, device='meta')
    if size[0] == size[1]:
        return list(F.resize(image, [scale[0]]).shape[1:])
    return ResizeKeepRatio.get_params(image, scale, 0.0)


def offset(length, crop):
    """The index of the first number in torchvision's center crop of a line of numbers."""
    return int(F.center_crop(torch.arange(length).view(1, 1, length), [1, crop])[0, 0, 0])


def size_rows():
    """h, w of the image, of the result, crop_pct, h, w of the resized image, top, left of its center crop."""
    photographs = [(3000, 4000), (375, 500), (500, 333), (480, 641), (1081, 607), (225, 224), (31, 1024), (7, 7), (1, 3)]
    # In float64, 235 * (1230 / 150) is less than 235 * 1230 / 150.
    photographs += [(150, 1230), (1230, 150)]
    rng = np.random.default_rng(9)
    photographs += [tuple(int(v) for v in rng.integers(2, 2500, 2)) for _ in range(40)]
    targets = [((224, 224), 0.875), ((224, 224), 0.95), ((32, 32), 1.0), ((160, 160), 0.9), ((65, 65), 0.8),
               ((64, 96), 0.875), ((231, 97), 0.96)]
    for h, w in photographs:
        for size, crop_pct in targets:
            scaled = scaled_size(h, w, size, crop_pct)
            yield [h, w, *size, crop_pct, *scaled, *(offset(s, c) for s, c in zip(scaled, size))]


goldens = {
    'images': {
        name: {'width': image.shape[1], 'height': image.shape[0], 'bytes': store(image)} for name, image in IMAGES.items()
    },
    'resize': list(resize_cases()),
    'crop': list(crop_cases()),
    'fit': list(fit_cases()),
    'normalized': normalized_case(),
    'sizes': list(size_rows()),
}
versions = {
    'python': platform.python_version(),
    'machine': platform.machine(),
    'pillow': PIL.__version__,
    'numpy': np.__version__,
    'torch': torch.__version__,
    'torchvision': torchvision.__version__,
    'timm': timm.__version__,
}
(HERE / 'goldens.bin').write_bytes(blob)
head = {
    'generator': hashlib.sha256(Path(__file__).read_bytes()).hexdigest(),
    'versions': versions,
    'bytes': hashlib.sha256(blob).hexdigest(),
}
lines = [f'{json.dumps(key)}: {json.dumps(value)}' for key, value in (head | goldens).items()]
(HERE / 'goldens.json').write_text('{\n' + ',\n'.join(lines) + '\n}\n')
print(f'{len(blob)} bytes, {len(goldens["resize"])} resizes, {len(goldens["sizes"])} sizes')
