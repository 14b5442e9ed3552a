"""Draws trees of image folders, and lists what torchvision's ImageFolder finds in each.

Usage: python imageFolders.py FOLDER SEED COUNT. Writes the trees FOLDER/0, FOLDER/1, …, and FOLDER/expected.json: for each
tree the classes and samples, or the message of the error. Pictures are empty files: only their names count.
"""
import json
import os
import random
import sys

from torchvision.datasets import ImageFolder

folder, seed, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
draw = random.Random(seed)
CLASSES = ['cat', 'Cat', 'cat-x', 'cat x', 'dog', '10', '9', 'é', 'Z', '🐱', 'ｶ', 'train', 'TEST', 'a.b', '#']
INNER = ['more', 'a', 'a-b', 'A']
STEMS = ['1', '10', '2', 'b', 'B', 'ｶ', '🐱', 'a b', 'x=y', '.hidden', 'a.b']
PICTURES = ['.jpg', '.JPG', '.jpeg', '.png', '.Png', '.bmp', '.tif', '.tiff', '.webp', '.ppm', '.pgm']
OTHERS = ['Thumbs.db', 'desktop.ini', 'labels.csv', '.DS_Store', 'notes.txt', 'a.gif', 'png', 'x.png.txt', 'x.jpgg', '']


def add(*path):
    path = os.path.join(*path)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    if not os.path.isdir(path):
        open(path, 'w').close()


def draw_tree(root):
    os.makedirs(root)
    names = draw.sample(CLASSES, draw.randrange(1, 7))
    # Folders that are all named after splits are splits here, not classes.
    has_splits = bool(set(names) & {'train', 'TEST'})
    for name in [*names, 'boat'] if has_splits else names:
        # Without a picture of its own, a single class would be a folder above the classes.
        add(root, name, draw.choice(STEMS) + draw.choice(PICTURES))
        if not has_splits and draw.random() < 0.05:
            os.remove(os.path.join(root, name, os.listdir(os.path.join(root, name))[0]))
        for _ in range(draw.randrange(5)):
            inner = draw.sample(INNER, draw.choice([0, 0, 0, 1, 2]))
            add(root, name, *inner, draw.choice(STEMS) + draw.choice(PICTURES))
        for other in draw.sample(OTHERS, draw.randrange(3)):
            add(root, name, other)
    for other in draw.sample(OTHERS, draw.randrange(3)):
        add(root, other)
    if draw.random() < 0.1:
        add(root, 'beside.png')


def read(root):
    try:
        images = ImageFolder(root)
    except (FileNotFoundError, RuntimeError) as error:
        return {'error': str(error)}
    samples = [[os.path.relpath(path, root).replace(os.sep, '/'), label] for path, label in images.samples]
    return {'classes': images.classes, 'class_to_idx': images.class_to_idx, 'samples': samples}


expected = []
for i in range(count):
    root = os.path.join(folder, str(i))
    draw_tree(root)
    expected.append(read(root))
with open(os.path.join(folder, 'expected.json'), 'w') as file:
    json.dump(expected, file)
