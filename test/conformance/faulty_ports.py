"""Breaks the port of PyTorch in the ways in which ports are broken, and prints which faults the vectors show.

    python test/conformance/faulty_ports.py
"""

import json
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2] / 'conformance'
sys.path[:0] = [str(ROOT), str(ROOT / 'ports')]

import check  # noqa: E402
import torch_port  # noqa: E402

# What is changed in the port.
BREAKS = {
    'none': {},
    'eps 1e-5': {'EPS': 1e-5},
    'eps 1e-3': {'EPS': 1e-3},
    'stem of stride 4': {'STEM_OF_ADA_POOL': (4, 0)},
    'one minus lambda': {'slope_of': lambda value: 1 - value},
    'relu': {'slope_of': lambda value: 0.0},
    'zero is absent': {'slope_of': lambda value: value or 1.0},
    'biased variance': {'RUNNING_VAR': 'biased'},
    'unbiased variance': {'RUNNING_VAR': 'unbiased'},
    'decoupled decay': {'DECOUPLED': {'adam': True, 'adamw': True}},
    'coupled decay': {'DECOUPLED': {'adam': False, 'adamw': False}},
    'training mode': {'IN_EVALUATION': True},
    'no crop_pct': {'CROP_PCT': 1},
}


def verdicts(change):
    before = {name: getattr(torch_port, name) for name in change}
    for name, value in change.items():
        setattr(torch_port, name, value)
    try:
        for group in check.GROUPS:
            for case, *rest in check.cases(group):
                kind, details = check.judge(torch_port, case, *rest)
                if kind != 'passes':
                    yield case['name'], details.get('fault', kind)
    finally:
        for name, value in before.items():
            setattr(torch_port, name, value)


print(json.dumps({name: dict(verdicts(change)) for name, change in BREAKS.items()}))
