import { map } from '../../../reference/tensor.js';
import type { OpSpec } from '../../judges/opSpec.js';

export const lambdaSchedule: OpSpec = {
  op: 'lambdaSchedule',
  golden(ref, { epoch }, scalars) {
    const schedule = scalars.word('schedule', ['linear', 'cosine']);
    const decayEpochs = scalars.number('decay_epochs');
    return { lambda: map(epoch, (e) => ref.lambdaSchedule(e, { schedule, decayEpochs })) };
  },
  gradients: [],
  errors: [
    {
      name: 'negative epoch',
      run: (ref) => ref.lambdaSchedule(-1, { schedule: 'linear', decayEpochs: 20 }),
      error: 'ParamError',
      op: 'lambdaSchedule',
      expected: 'epoch >= 0',
      got: 'epoch = -1',
    },
    {
      name: 'negative duration',
      run: (ref) => ref.lambdaSchedule(1, { schedule: 'cosine', decayEpochs: -20 }),
      error: 'ParamError',
      op: 'lambdaSchedule',
      expected: 'decayEpochs >= 0',
      got: 'decayEpochs = -20',
    },
    {
      name: 'unknown schedule',
      run: (ref) => ref.lambdaSchedule(1, { schedule: 'step' as 'linear', decayEpochs: 20 }),
      error: 'ParamError',
      op: 'lambdaSchedule',
      expected: "'linear' or 'cosine'",
      got: 'schedule = "step"',
    },
  ],
  facts: [
    {
      name: 'starts at 0, ends at 1 exactly, and is 1 at once for decayEpochs 0',
      got: (ref) => [
        ref.lambdaSchedule(0, { schedule: 'cosine', decayEpochs: 20 }),
        ref.lambdaSchedule(20, { schedule: 'cosine', decayEpochs: 20 }),
        ref.lambdaSchedule(0, { schedule: 'linear', decayEpochs: 0 }),
      ],
      want: [0, 1, 1],
    },
  ],
};
