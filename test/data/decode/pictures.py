"""Draws small pictures of every kind that is decoded, with the pixels that Pillow reads from them.

Usage: python pictures.py SEED > pictures.json. The JSON has for each picture its file in base64 and its size and pixels,
those of `ImageOps.exif_transpose(Image.open(file)).convert('RGB')`.
"""
import base64
import io
import json
import struct
import sys
import warnings
import zlib

import numpy as np
from PIL import Image, ImageCms, ImageOps

random = np.random.default_rng(int(sys.argv[1]))
H, W = 11, 13
y, x = np.mgrid[0:H, 0:W]
noise = random.integers(0, 256, (H, W, 4), dtype=np.uint8)
deep = random.integers(0, 65536, (H, W, 4), dtype=np.uint16)
# Smooth, for codecs with loss; with all extremes.
smooth = np.stack([x * 255 // (W - 1), y * 255 // (H - 1), (x + y) * 255 // (W + H - 2), 255 - x * 20], -1)
smooth = smooth.astype(np.uint8)
rgb, gray, gray_alpha = noise[..., :3], noise[..., 0], noise[..., :2]

pictures = {}


def add(name, data):
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        image = ImageOps.exif_transpose(Image.open(io.BytesIO(data))).convert('RGB')
    pixels = base64.b64encode(np.asarray(image).tobytes()).decode()
    file = base64.b64encode(data).decode()
    pictures[name] = {'file': file, 'width': image.width, 'height': image.height, 'pixels': pixels}


def encode(image, format, **options):
    buffer = io.BytesIO()
    image.save(buffer, format, **options)
    return buffer.getvalue()


def chunk(name, data):
    return struct.pack('>I', len(data)) + name + data + struct.pack('>I', zlib.crc32(name + data))


# Adam7: first column and row, and their steps, of each pass.
PASSES = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]


def png(samples, color, bits, chunks=(), interlaced=False):
    """A PNG of samples [h, w] or [h, w, n], of a color type and depth that Pillow may not write."""
    samples = samples.reshape(H, W, -1)

    def rows(part):
        for row in part:
            flat = row.reshape(-1)
            if bits == 16:
                yield b'\0' + flat.astype('>u2').tobytes()
            else:
                digits = ''.join(format(int(value), f'0{bits}b') for value in flat)
                digits += '0' * (-len(digits) % 8)
                yield b'\0' + int(digits, 2).to_bytes(len(digits) // 8, 'big')

    passes = PASSES if interlaced else [(0, 0, 1, 1)]
    parts = [samples[y0::dy, x0::dx] for x0, y0, dx, dy in passes]
    data = b''.join(row for part in parts if part.size > 0 for row in rows(part))
    header = struct.pack('>IIBBBBB', W, H, bits, color, 0, 0, int(interlaced))
    body = chunk(b'IHDR', header) + b''.join(chunk(*one) for one in chunks) + chunk(b'IDAT', zlib.compress(data))
    return b'\x89PNG\r\n\x1a\n' + body + chunk(b'IEND', b'')


GRAY, RGB, PALETTE, GRAY_ALPHA, RGB_ALPHA = 0, 2, 3, 4, 6
for interlaced in [False, True]:
    label = 'interlaced png' if interlaced else 'png'
    for bits in [1, 2, 4, 8]:
        colors = random.integers(0, 256, 3 << bits, dtype=np.uint8).tobytes()
        alpha = bytes(random.integers(0, 256, 1 << bits, dtype=np.uint8))
        indices = gray >> (8 - bits)
        add(f'{label}, gray, {bits} bits', png(indices, GRAY, bits, interlaced=interlaced))
        transparent = [(b'tRNS', struct.pack('>H', int(indices[0, 0])))]
        add(f'{label}, gray with a transparent value, {bits} bits', png(indices, GRAY, bits, transparent, interlaced))
        add(f'{label}, palette, {bits} bits', png(indices, PALETTE, bits, [(b'PLTE', colors)], interlaced))
        chunks = [(b'PLTE', colors), (b'tRNS', alpha)]
        add(f'{label}, palette with alpha, {bits} bits', png(indices, PALETTE, bits, chunks, interlaced))
    for bits, samples in [(8, noise), (16, deep)]:
        add(f'{label}, gray with alpha, {bits} bits', png(samples[..., :2], GRAY_ALPHA, bits, interlaced=interlaced))
        add(f'{label}, rgb, {bits} bits', png(samples[..., :3], RGB, bits, interlaced=interlaced))
        transparent = [(b'tRNS', struct.pack('>HHH', *map(int, samples[0, 0, :3])))]
        add(f'{label}, rgb with a transparent color, {bits} bits', png(samples[..., :3], RGB, bits, transparent, interlaced))
        add(f'{label}, rgb with alpha, {bits} bits', png(samples, RGB_ALPHA, bits, interlaced=interlaced))
add('png, gray, 16 bits', png(deep[..., 0], GRAY, 16))
add('png, gamma', png(rgb, RGB, 8, [(b'gAMA', struct.pack('>I', 100000))]))
add('png, sRGB', png(rgb, RGB, 8, [(b'sRGB', b'\0'), (b'gAMA', struct.pack('>I', 45455))]))
chromaticities = struct.pack('>8I', 31270, 32900, 70800, 29200, 17000, 79700, 13100, 4600)
add('png, gamma and chromaticities of Rec. 2020', png(rgb, RGB, 8, [(b'gAMA', struct.pack('>I', 45455)), (b'cHRM', chromaticities)]))
add('png, cICP of Display P3', png(rgb, RGB, 8, [(b'cICP', bytes([12, 13, 0, 1]))]))
add('png, significant bits', png(rgb, RGB, 8, [(b'sBIT', bytes([5, 6, 5]))]))
add('png, background', png(noise, RGB_ALPHA, 8, [(b'bKGD', struct.pack('>HHH', 255, 0, 0))]))
add('png, palette that is too short', png(gray >> 6, PALETTE, 2, [(b'PLTE', bytes(range(9)))]))


def profile(primaries, gamma):
    """An ICC profile of a display whose primaries are exchanged and whose gamma differs: visible wherever it is applied."""
    def s15(value):
        return struct.pack('>i', round(value * 65536))

    def xyz(values):
        return b'XYZ \0\0\0\0' + b''.join(map(s15, values))

    curve = b'curv\0\0\0\0' + struct.pack('>IH', 1, round(gamma * 256)) + b'\0\0'
    text = b'desc\0\0\0\0' + struct.pack('>I', 2) + b'x\0' + bytes(79)
    tags = {b'desc': text, b'cprt': b'text\0\0\0\0x\0\0\0', b'wtpt': xyz([0.9642, 1, 0.8249])}
    tags |= {name: xyz(column) for name, column in zip([b'rXYZ', b'gXYZ', b'bXYZ'], primaries)}
    tags |= {name: curve for name in [b'rTRC', b'gTRC', b'bTRC']}
    table, data, at = struct.pack('>I', len(tags)), b'', 128 + 4 + 12 * len(tags)
    for name, value in tags.items():
        value += bytes(-len(value) % 4)
        table += name + struct.pack('>II', at + len(data), len(value))
        data += value
    size = 128 + len(table) + len(data)
    head = struct.pack('>I4sI4s4s4s', size, b'lcms', 0x02100000, b'mntr', b'RGB ', b'XYZ ') + bytes(12) + b'acsp'
    head += bytes(28) + s15(0.9642) + s15(1) + s15(0.8249)
    return head + bytes(128 - len(head)) + table + data


# D50 columns of Display P3, and those of sRGB with red and blue exchanged.
P3 = profile([[0.5151, 0.2412, -0.0011], [0.2920, 0.6922, 0.0419], [0.1571, 0.0666, 0.7841]], 2.2)
EXCHANGED = profile([[0.1431, 0.0606, 0.7141], [0.3851, 0.7169, 0.0971], [0.4360, 0.2225, 0.0139]], 1.0)
for name, icc in [('Display P3', P3), ('exchanged colors', EXCHANGED)]:
    add(f'png, profile of {name}', encode(Image.fromarray(rgb), 'PNG', icc_profile=icc))
    add(f'png, profile of {name}, with alpha', encode(Image.fromarray(noise), 'PNG', icc_profile=icc))
    add(f'png, profile of {name}, 16 bits', png(deep[..., :3], RGB, 16, [(b'iCCP', b'x\0\0' + zlib.compress(icc))]))
    add(f'webp, profile of {name}', encode(Image.fromarray(rgb), 'WEBP', lossless=True, icc_profile=icc))
    add(f'jpeg, profile of {name}', encode(Image.fromarray(smooth[..., :3]), 'JPEG', quality=95, icc_profile=icc))
add('jpeg, gray, profile of RGB', encode(Image.fromarray(smooth[..., 0]), 'JPEG', quality=95, icc_profile=P3))
add('jpeg, damaged profile', encode(Image.fromarray(smooth[..., :3]), 'JPEG', quality=95, icc_profile=P3[:200]))

for orientation in range(1, 9):
    exif = Image.Exif()
    exif[0x0112] = orientation
    add(f'png, orientation {orientation}', encode(Image.fromarray(rgb), 'PNG', exif=exif))
    add(f'webp, orientation {orientation}', encode(Image.fromarray(rgb), 'WEBP', lossless=True, exif=exif))
    add(f'jpeg, orientation {orientation}', encode(Image.fromarray(smooth[..., :3]), 'JPEG', quality=95, exif=exif))

for subsampling in ['4:4:4', '4:2:2', '4:2:0']:
    for progressive in [False, True]:
        label = f'{"progressive jpeg" if progressive else "jpeg"}, {subsampling}'
        options = {'subsampling': subsampling, 'progressive': progressive, 'quality': 92}
        add(label, encode(Image.fromarray(smooth[..., :3]), 'JPEG', **options))
        add(f'{label}, noise', encode(Image.fromarray(rgb), 'JPEG', **options))
add('jpeg, gray', encode(Image.fromarray(smooth[..., 0]), 'JPEG', quality=95))
add('progressive jpeg, gray', encode(Image.fromarray(smooth[..., 0]), 'JPEG', quality=95, progressive=True))
add('jpeg, optimized, restarts', encode(Image.fromarray(smooth[..., :3]), 'JPEG', optimize=True, restart_marker_blocks=1))
add('jpeg, rgb without a transform', encode(Image.fromarray(smooth[..., :3]), 'JPEG', quality=95, keep_rgb=True))

add('jpeg, cmyk of Adobe', encode(Image.fromarray(smooth, 'CMYK'), 'JPEG', quality=95))


def without_adobe(data):
    """A JPEG without its APP14 segment."""
    at = data.index(b'\xff\xee')
    return data[:at] + data[at + 2 + struct.unpack('>H', data[at + 2:at + 4])[0]:]


add('jpeg, cmyk without a mark of Adobe', without_adobe(encode(Image.fromarray(smooth, 'CMYK'), 'JPEG', quality=95)))
adobe = encode(Image.fromarray(smooth, 'CMYK'), 'JPEG', quality=95)
at = adobe.index(b'Adobe')
add('jpeg, ycck', adobe[:at + 11] + b'\x02' + adobe[at + 12:])

add('webp, lossless', encode(Image.fromarray(rgb), 'WEBP', lossless=True))
add('webp, lossless with alpha', encode(Image.fromarray(noise), 'WEBP', lossless=True, exact=True))
add('webp, lossy', encode(Image.fromarray(smooth[..., :3]), 'WEBP', quality=90))
add('webp, lossy with alpha', encode(Image.fromarray(smooth), 'WEBP', quality=90, exact=True))
frames = [Image.fromarray(noise[..., :3]), Image.fromarray(smooth[..., :3])]
add('png, animated', encode(frames[0], 'PNG', save_all=True, append_images=frames[1:]))
add('webp, animated', encode(frames[0], 'WEBP', save_all=True, append_images=frames[1:], lossless=True))

print(json.dumps(pictures, indent=1))
