"""Writes goldens.json next to this file: what Pillow makes of small images.

    python test/data/augment/generate.py

Every op is called as torchvision (on PIL images) or timm calls it, with the parameters
given here. Bytes are [3, h, w] in base64.
"""

import base64
import hashlib
import json
from pathlib import Path

import numpy as np
import PIL
from PIL import Image, ImageEnhance, ImageOps

HERE = Path(__file__).resolve().parent


def text(image):
    planes = np.ascontiguousarray(np.asarray(image).transpose(2, 0, 1))
    return base64.b64encode(planes.tobytes()).decode()


def noise(height, width, seed):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def soft(height, width):
    """Few values, away from 0 and 255, and grays among them."""
    y, x = np.mgrid[0:height, 0:width]
    planes = [60 + 7 * x, 40 + 9 * y, 90 + 3 * (x + y)]
    image = np.stack(planes, axis=-1).astype(np.uint8)
    image[: height // 3] = image[: height // 3, :, :1]
    return image


IMAGES = {
    'noise': noise(9, 11, 1),
    'square': noise(8, 8, 2),
    'soft': soft(10, 12),
    'flat': np.full((5, 6, 3), 77, np.uint8),
}


def hue(image, turns):
    h, s, v = image.convert('HSV').split()
    shifted = np.array(h, dtype=np.uint8)
    with np.errstate(over='ignore'):
        shifted += np.int32(turns * 255).astype(np.uint8)
    return Image.merge('HSV', (Image.fromarray(shifted, 'L'), s, v)).convert('RGB')


def resized_crop(image, top, left, height, width, to_height, to_width, kernel):
    part = image.crop((left, top, left + width, top + height))
    return part.resize((to_width, to_height), FILTERS[kernel])


def padded_crop(image, padding, mode, top, left):
    array = np.asarray(image)
    pads = ((padding, padding), (padding, padding), (0, 0))
    wide = np.pad(array, pads) if mode == 0 else np.pad(array, pads, mode='reflect')
    y, x = top + padding, left + padding
    return Image.fromarray(wide[y : y + image.height, x : x + image.width])


def solarize_add(image, add):
    table = [min(255, v + add) if v < 128 else v for v in range(256)]
    return image.point(table * 3)


FILTERS = {'nearest': Image.NEAREST, 'bilinear': Image.BILINEAR, 'bicubic': Image.BICUBIC}


def affine(image, matrix, sampling, fill):
    return image.transform(
        image.size, Image.AFFINE, matrix, resample=FILTERS[sampling], fillcolor=tuple(fill)
    )


def rotate(image, degrees, sampling, fill):
    return image.rotate(degrees, resample=FILTERS[sampling], fillcolor=tuple(fill))


OPS = {
    'horizontalFlip': ImageOps.mirror,
    'shift': lambda image, top, left, fill: padded_crop(image, 4, fill, top, left),
    'scaleWindow': resized_crop,
    'brightness': lambda image, f: ImageEnhance.Brightness(image).enhance(f),
    'contrast': lambda image, f: ImageEnhance.Contrast(image).enhance(f),
    'saturation': lambda image, f: ImageEnhance.Color(image).enhance(f),
    'sharpness': lambda image, f: ImageEnhance.Sharpness(image).enhance(f),
    'hue': hue,
    'rotate': rotate,
    'affine': affine,
    'autoContrast': ImageOps.autocontrast,
    'equalize': ImageOps.equalize,
    'invert': ImageOps.invert,
    'posterize': ImageOps.posterize,
    'solarize': ImageOps.solarize,
    'solarizeAdd': solarize_add,
}

FACTORS = [[0], [0.1], [0.37], [0.8123456789], [1], [1.2], [1.81], [2.7]]
FILL = [124, 116, 104]
ARGUMENTS = {
    'horizontalFlip': [[]],
    'shift': [[0, 0, 0], [-4, 4, 0], [4, -4, 0], [-3, 2, 'reflect'], [4, 4, 'reflect'], [-4, -4, 'reflect']],
    'scaleWindow': [[*sizes, kernel] for kernel in ('bilinear', 'bicubic') for sizes in [
        [0, 0, 5, 6, 5, 6], [0, 1, 5, 4, 12, 9], [1, 0, 3, 5, 16, 16], [0, 0, 5, 6, 3, 2],
    ]],
    'brightness': FACTORS,
    'contrast': FACTORS,
    'saturation': FACTORS,
    'sharpness': FACTORS,
    'hue': [[0], [0.1], [-0.1], [0.5], [-0.5], [0.333], [-0.0039]],
    'rotate': [[d, s, f] for d, s, f in [
        (20, 'nearest', [0, 0, 0]), (-13.7, 'nearest', [0, 0, 0]), (0.3, 'nearest', [0, 0, 0]),
        (90, 'nearest', [0, 0, 0]), (180, 'nearest', [0, 0, 0]), (-90, 'nearest', [0, 0, 0]), (0, 'nearest', [0, 0, 0]),
        (27, 'bilinear', FILL), (-27, 'bicubic', FILL), (3.3, 'bicubic', FILL), (180, 'bicubic', FILL),
    ]],
    'affine': [[m, s, FILL] for s in ('bilinear', 'bicubic') for m in [
        [1, 0.27, 0, 0, 1, 0], [1, -0.3, 0, 0, 1, 0], [1, 0, 0, 0.21, 1, 0],
        [1, 0, 5.4, 0, 1, 0], [1, 0, 0, 0, 1, -4.05], [1, 0, 0, 0, 1, 0],
    ]] + [[[0.8, 0.1, 2.5, -0.2, 1.1, 1.25], 'nearest', FILL]],
    'autoContrast': [[]],
    'equalize': [[]],
    'invert': [[]],
    'posterize': [[1], [2], [4], [7]],
    'solarize': [[0], [26], [128], [256]],
    'solarizeAdd': [[0], [99], [110]],
}

# Large enough for a histogram.
IMAGES['large'] = (noise(22, 24, 5).astype(np.int32) // 3 + 50).astype(np.uint8)
ON_LARGE = {'equalize', 'autoContrast', 'hue'}


def cases():
    for op, lists in ARGUMENTS.items():
        for name, pixels in IMAGES.items():
            if name == 'large' and op not in ON_LARGE:
                continue
            if name == 'flat' and op in ('shift', 'rotate', 'affine'):
                continue
            for arguments in lists:
                image = Image.fromarray(pixels)
                made = OPS[op](image, *arguments)
                yield {'op': op, 'image': name, 'arguments': arguments, 'size': [made.height, made.width], 'bytes': text(made)}


goldens = {
    'generator': hashlib.sha256(Path(__file__).read_bytes()).hexdigest(),
    'pillow': PIL.__version__,
    'images': {
        name: {'height': p.shape[0], 'width': p.shape[1], 'bytes': text(Image.fromarray(p))} for name, p in IMAGES.items()
    },
    'cases': list(cases()),
}
(HERE / 'goldens.json').write_text(json.dumps(goldens, separators=(',', ':')) + '\n')
