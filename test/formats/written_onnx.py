"""Checks ONNX graphs, and computes their logits by onnxruntime:

    python written_onnx.py FILE…

Beside each file, `FILE.json` has `images`, flat, and their `shape`. Prints as JSON, by the name of each file, the logits of
all images at once, and of the first one alone.
"""

import json
import sys
from pathlib import Path

import numpy as np
import onnx
import onnxruntime

contents = {}
for file in sys.argv[1:]:
    onnx.checker.check_model(onnx.load(file), full_check=True)
    session = onnxruntime.InferenceSession(file, providers=['CPUExecutionProvider'])
    job = json.loads(Path(f'{file}.json').read_text())
    images = np.array(job['images'], dtype=np.float32).reshape(job['shape'])
    logits = [session.run(None, {'input': batch})[0] for batch in (images, images[:1])]
    contents[Path(file).name] = {'all': logits[0].flatten().tolist(), 'first': logits[1].flatten().tolist()}
print(json.dumps(contents))
