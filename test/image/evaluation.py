"""Prepares pictures by timm's evaluation transform.

    python evaluation.py jobs.json out.bin

Each job has a picture (height, width, data in base64), size, crop_pct, interpolation, mean and std. out.bin has the
inputs [3, h, w] as float32, one after the other.
"""

import base64
import json
import math
import sys
from pathlib import Path

import numpy as np
from PIL import Image
from timm.data import create_transform
from timm.data.transforms import ResizeKeepRatio

resize = Image.Image.resize


def resize_horizontally_first(image, size, resample=None, box=None, reducing_gap=None):
    """The order of the passes up to Pillow 12; Pillow 13 begins with the vertical one where that costs less."""
    assert box is None and reducing_gap is None
    return resize(resize(image, (size[0], image.height), resample), size, resample)


Image.Image.resize = resize_horizontally_first


def prepare(job):
    size = job['size']
    transform = create_transform(
        (3, *size), is_training=False, crop_pct=job['crop_pct'], interpolation=job['interpolation'],
        mean=job['mean'], std=job['std'],
    )
    if size[0] != size[1]:
        # timm passes the interpolation on for square inputs only.
        scaled = [math.floor(side / job['crop_pct']) for side in size]
        assert isinstance(transform.transforms[0], ResizeKeepRatio), transform
        transform.transforms[0] = ResizeKeepRatio(scaled, interpolation=job['interpolation'])
    pixels = np.frombuffer(base64.b64decode(job['data']), dtype=np.uint8)
    image = Image.fromarray(pixels.reshape(job['height'], job['width'], 3))
    result = transform(image).numpy()
    assert result.shape == (3, *size) and result.dtype == np.float32
    return result.astype('<f4').tobytes()


jobs = json.loads(Path(sys.argv[1]).read_text())
Path(sys.argv[2]).write_bytes(b''.join(prepare(job) for job in jobs))
