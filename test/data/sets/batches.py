"""Writes batches in the layout of CIFAR-10 with labels of every kind that torchvision takes.

Usage: python batches.py FOLDER. Writes FOLDER/<kind>-<protocol>/test_batch with the labels 3, 0, 9, and pixels that are
(7 i + 3) mod 256 for the i-th.
"""
import os
import pickle
import sys

import numpy as np

labels = [3, 0, 9]
pixels = ((7 * np.arange(3 * 3072) + 3) % 256).astype(np.uint8).reshape(3, 3072)
types = [np.int64, np.int32, np.int16, np.int8, np.uint8, np.uint16, np.uint32, np.uint64, '>i8', '>i4']
kinds = {str(np.dtype(one)).replace('>', 'big '): np.array(labels, one) for one in types}
kinds |= {'list': labels, 'tuple': tuple(labels), 'scalars': list(np.array(labels))}

for kind, value in kinds.items():
    for protocol in [2, 3, 4, 5]:
        folder = os.path.join(sys.argv[1], f'{kind}-{protocol}', 'cifar-10-batches-py')
        os.makedirs(folder)
        data = np.asfortranarray(pixels) if kind == 'int64' else pixels
        for name in ['test_batch', *(f'data_batch_{i}' for i in range(1, 6))]:
            with open(os.path.join(folder, name), 'wb') as file:
                pickle.dump({'labels': value, 'data': data}, file, protocol=protocol)
