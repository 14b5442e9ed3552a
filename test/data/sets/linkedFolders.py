"""Draws image folders with links, packs them, and lists what torchvision's ImageFolder finds in the unpacked archives.

The archives are of Python's tarfile and of tar.

Usage: python linkedFolders.py FOLDER SEED COUNT. For each i < COUNT writes the archive FOLDER/i.tar and the folder
FOLDER/i that it unpacks to, and FOLDER/expected.json: the classes and samples of each, with the content of each picture.
"""
import json
import os
import random
import shutil
import subprocess
import sys
import tarfile

from torchvision.datasets import ImageFolder

folder, seed, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
draw = random.Random(seed)


def draw_tree(root):
    """Classes with pictures, and links to folders, pictures and other links. Links lead to earlier ones: no cycles."""
    folders, pictures = [], []
    for name in draw.sample(['cat', 'dog', 'é', 'Z', '🐱'], draw.randrange(2, 4)):
        for inner in ['', *draw.sample(['a', 'b', 'a/c'], draw.randrange(3))]:
            path = os.path.normpath(os.path.join(root, name, inner))
            os.makedirs(path, exist_ok=True)
            folders.append(path)
            for k in range(draw.randrange(1, 3)):
                pictures.append(os.path.join(path, f'{k}.png'))
                with open(pictures[-1], 'w') as file:
                    file.write(f'{name} {inner} {k}')
    for k in range(draw.randrange(1, 7)):
        kind = draw.choice(['class', 'class', 'inner', 'file', 'hard', 'through'])
        inside = draw.choice(folders)
        if kind in ('class', 'inner'):
            target = draw.choice(folders)
            at = os.path.join(root if kind == 'class' else inside, f'link{k}')
            # Not above itself.
            if kind == 'inner' and (os.path.realpath(inside) + '/').startswith(os.path.realpath(target) + '/'):
                continue
            os.symlink(os.path.relpath(target, os.path.realpath(os.path.dirname(at))), at)
            if has_cycle(root):
                os.remove(at)
            else:
                folders.append(at)
        elif kind == 'through':
            at = os.path.join(inside, f't{k}.png')
            target = os.path.join(draw.choice(folders), '0.png')
            # A relative path is resolved by the file system: from where the folder really is.
            os.symlink(os.path.relpath(target, os.path.realpath(inside)), at)
        elif kind == 'file':
            at = os.path.join(inside, f'f{k}.png')
            os.symlink(os.path.relpath(draw.choice(pictures), os.path.realpath(inside)), at)
            pictures.append(at)
        else:
            os.link(draw.choice(pictures), os.path.join(inside, f'h{k}.png'), follow_symlinks=False)


def has_cycle(root):
    for path, _, _ in os.walk(root, followlinks=True):
        parts = path.split(os.sep)
        real = [os.path.realpath(os.sep.join(parts[: i + 1])) for i in range(len(parts))]
        if len(set(real)) < len(real):
            return True
        if len(parts) > 60:
            return True
    return False


def content(path):
    try:
        with open(path) as file:
            return file.read()
    except OSError:
        return None


def read(root):
    images = ImageFolder(root)
    samples = [[os.path.relpath(path, root).replace(os.sep, '/'), label, content(path)] for path, label in images.samples]
    return {'classes': images.classes, 'samples': samples}


expected = []
for i in range(count):
    tree = os.path.join(folder, 'tree')
    draw_tree(tree)
    archive = os.path.join(folder, f'{i}.tar')
    if i % 3 == 0 and shutil.which('tar') is not None:
        format = draw.choice(['gnu', 'posix', 'ustar'])
        subprocess.run(['tar', f'--format={format}', '-C', tree, '-cf', archive, '.'], check=True)
    else:
        with tarfile.open(archive, 'w', format=draw.choice([tarfile.PAX_FORMAT, tarfile.GNU_FORMAT])) as tar:
            tar.add(tree, '.' if draw.random() < 0.5 else 'set')
    unpacked = os.path.join(folder, str(i))
    with tarfile.open(archive) as tar:
        tar.extractall(unpacked, filter='fully_trusted')
    shutil.rmtree(tree)
    inner = os.path.join(unpacked, 'set')
    root = inner if os.path.isdir(inner) else unpacked
    expected.append({'root': os.path.relpath(root, unpacked), **read(root)})
with open(os.path.join(folder, 'expected.json'), 'w') as file:
    json.dump(expected, file)
