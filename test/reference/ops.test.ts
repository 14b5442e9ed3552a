import { describe, expect, test } from '@jest/globals';
import * as reference from '../../reference/index.js';
import { judgeErrors } from '../judges/errors.js';
import { judgeFacts } from '../judges/facts.js';
import { goldenNames, judgeGoldens } from '../judges/golden.js';
import { judgeGradients } from '../judges/gradient.js';
import { OPS } from './ops/all.js';

test('every op has goldens, and every golden an op', () => {
  const judged = OPS.filter(({ golden }) => golden !== null).map(({ op }) => op);
  expect(judged.sort()).toEqual(goldenNames('ops'));
});

describe.each(OPS.map((spec) => [spec.op, spec] as const))('%s', (_, spec) => {
  test('agrees with PyTorch', () => {
    judgeGoldens(reference, spec);
  });
  test('has the gradients of central differences', () => {
    judgeGradients(reference, spec);
  });
  test('refuses invalid input with an error that names it', () => {
    judgeErrors(reference, spec);
  });
  test('has its special properties', () => {
    judgeFacts(reference, spec);
  });
});
