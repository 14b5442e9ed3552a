"""Compares a port in Python with the vectors of this folder.

    python conformance/check.py conformance/ports/torch_port.py [--group ops] [--verbose] [--json]

A port is a file with PRECISION, 'float32' or 'float64', and functions named as the `op` of the cases, for example
`def conv2d(inputs, attributes)`. They take and return dictionaries of NumPy arrays. A case counts as not offered if its
function is absent or raises NotImplementedError; an output that the port does not compute may be left out. Needs numpy
and safetensors. Exit status: 1 if a case fails, raises an error, or has a known fault.
"""

import argparse
import importlib.util
import json
import sys
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file

VECTORS = Path(__file__).resolve().parent / 'vectors'
GROUPS = ['ops', 'blocks', 'variants', 'fusion', 'quantization', 'training', 'images']
# Bounds are proportional to the unit roundoff; in float64, the stored values are off by as much again.
SCALES = {'float32': 1.0, 'float64': 2.0 * 2.0**-29}


def cases(group, folder=VECTORS):
    tensors = load_file(folder / f'{group}.safetensors')
    for case in json.loads((folder / f'{group}.json').read_text()):
        name = case['name']

        def results(key, names):
            return {n: (tensors[f'{key}/expected/{n}'], tensors[f'{key}/bound/{n}']) for n in names}

        right = results(name, case['outputs'])
        faults = {
            fault['name']: (fault['description'], right | results(f'{name}/fault/{fault["name"]}', fault['outputs']))
            for fault in case['faults']
        }
        yield case, {n: tensors[f'{name}/input/{n}'] for n in case['inputs']}, right, faults


def ratio(got, expected, scale):
    """The largest difference relative to its bound, and where it is. A bound without axes is for the norm."""
    worst, where = 0.0, ''
    for name, value in got.items():
        if name not in expected:
            continue
        values, bound = expected[name]
        value = np.asarray(value, dtype=np.float64)
        if value.size != values.size:
            return np.inf, f'{name} has the shape {value.shape}, not {values.shape}'
        differences = np.abs(value.reshape(values.shape) - values)
        if bound.ndim == 0:
            differences = np.sqrt((differences**2).sum())
        with np.errstate(divide='ignore', invalid='ignore'):
            ratios = np.where(differences == 0, 0, differences / (bound.astype(np.float64) * scale))
        most = np.nan_to_num(ratios, nan=np.inf, posinf=np.inf).max()
        if most > worst:
            worst, where = most, name
    return worst, where


def judge(port, case, inputs, right, faults):
    """The kind of the verdict, and its details."""
    function = getattr(port, case['op'], None)
    if function is None:
        return 'not offered', {}
    try:
        got = function(inputs, case['attributes'])
    except NotImplementedError:
        return 'not offered', {}
    except Exception as error:  # noqa: BLE001  A port may raise anything.
        return 'throws', {'message': f'{type(error).__name__}: {error}'}
    missing = [name for name in right if name not in got]
    if len(missing) == len(right):
        return 'not offered', {}
    scale = SCALES[port.PRECISION]
    worst, where = ratio(got, right, scale)
    if worst <= 1:
        return 'passes', {'ratio': worst, 'missing': missing}
    for name, (description, expected) in faults.items():
        if ratio(got, expected, scale)[0] <= 1:
            return 'has fault', {'fault': name, 'description': description}
    return 'fails', {'ratio': worst, 'at': where}


def load_port(path):
    if not Path(path).is_file():
        sys.exit(f'{path}: expected a file of Python with the functions of a port')
    spec = importlib.util.spec_from_file_location('port', path)
    module = importlib.util.module_from_spec(spec)
    sys.path.insert(0, str(Path(path).resolve().parent))
    spec.loader.exec_module(module)
    if getattr(module, 'PRECISION', None) not in SCALES:
        sys.exit(f"{path}: expected PRECISION = 'float32' or PRECISION = 'float64' in the file")
    return module


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('port')
    parser.add_argument('--group', choices=GROUPS, action='append')
    parser.add_argument('--verbose', '-v', action='store_true', help='a line for each case, not only for those that fail')
    parser.add_argument('--json', action='store_true', help='a line of JSON for each case')
    options = parser.parse_args()
    port = load_port(options.port)
    kinds = []
    for group in options.group or GROUPS:
        for case, *rest in cases(group):
            kind, details = judge(port, case, *rest)
            kinds.append(kind)
            if options.json:
                print(json.dumps({'port': Path(options.port).stem, 'case': case['name'], 'kind': kind, **details}))
            elif options.verbose or kind not in ('passes', 'not offered'):
                print(f'{case["name"]:42} {kind:12} {"  ".join(str(value) for value in details.values())}')
    wrong = sum(kind in ('has fault', 'fails', 'throws') for kind in kinds)
    if not options.json:
        passed, absent = kinds.count('passes'), kinds.count('not offered')
        print(f'{Path(options.port).stem} ({port.PRECISION}): {passed} passed, {wrong} failed, {absent} not offered')
    return 1 if wrong > 0 else 0


if __name__ == '__main__':
    sys.exit(main())
