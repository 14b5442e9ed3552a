import { uniform } from '../core/philox.js';
import { sizeOf } from '../core/tensor.js';
import type { Model } from '../model/model.js';
import { median } from './median.js';

/** The time that V8 needs to optimize the kernels. */
const WARM_UP_MS = 500;

/** At least this many runs, and at least this long. */
const RUNS = 5;
const MEASURED_MS = 500;

/** The median CPU time of one image in milliseconds. Unlike elapsed time, it does not count waiting for a processor. */
export async function cpuTime(model: Model): Promise<number> {
  const { in_chans, input_size } = model.config;
  const x = Float32Array.from({ length: sizeOf([in_chans, ...input_size]) }, (_, i) => 4 * uniform(2, 0, i) - 2);
  const run = async (): Promise<number> => {
    const before = process.cpuUsage();
    await model.forward(x);
    const { user, system } = process.cpuUsage(before);
    return (user + system) / 1000;
  };
  for (let begin = performance.now(); performance.now() - begin < WARM_UP_MS;) await run();
  const runs: number[] = [];
  for (let begin = performance.now(); runs.length < RUNS || performance.now() - begin < MEASURED_MS;) {
    runs.push(await run());
  }
  return median(runs);
}
