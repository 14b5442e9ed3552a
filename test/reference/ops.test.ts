import { describe, expect, test } from '@jest/globals';
import * as reference from '../../reference/index.js';
import { judgeErrors } from '../judges/errors.js';
import { judgeFacts } from '../judges/facts.js';
import { goldenNames, judgeGoldens } from '../judges/golden.js';
import { judgeGradients } from '../judges/gradient.js';
import { OPS } from './ops/all.js';

test('every golden has its op, and every op its golden', () => {
  const judged = OPS.filter(({ golden }) => golden !== null).map(({ op }) => op);
  expect(judged.sort()).toEqual(goldenNames('ops'));
});

describe.each(OPS.map((spec) => [spec.op, spec] as const))('%s', (_, spec) => {
  test('agrees with PyTorch', () => {
    judgeGoldens(reference, spec);
  });
  test('has the gradients that differences show', () => {
    judgeGradients(reference, spec);
  });
  test('refuses bad input by name', () => {
    judgeErrors(reference, spec);
  });
  test('keeps its facts', () => {
    judgeFacts(reference, spec);
  });
});
