import { fileURLToPath } from 'node:url';
import { command, telling } from './command.js';
import { ROOT } from './location.js';
import { SetupError } from './setupError.js';

const PROBE = fileURLToPath(new URL('probe.ts', import.meta.url));

/** What was built, as it describes itself. */
export interface Checked {
  readonly libtensorflow: string;
  readonly device: 'CUDA' | 'CPU';
}

/** Runs a convolution and its gradient by what was built. @throws SetupError unless it gives the right values */
export async function check(entry: string): Promise<Checked> {
  const parameters = ['--no-warnings', '--import', './scripts/ts-node.js', PROBE, entry];
  const env = { ...process.env, TF_CPP_MIN_LOG_LEVEL: '2' };
  const { status, stdout, output } = await command(process.execPath, parameters, { cwd: ROOT, env });
  if (status !== 0) {
    // A damaged library ends its process by a signal.
    const got = status === null ? 'one that ends its process' : telling(output, 'first');
    const remedy = 'It may be of another machine, or its libtensorflow gone: build it again with --force';
    throw new SetupError({ op: entry, expected: 'an addon that loads', got, remedy });
  }
  // TensorFlow may have said something before.
  const answer = stdout.trim().replace(/^.*\n/s, '');
  const { wrong, ...checked } = JSON.parse(answer) as Checked & { wrong: string[] };
  if (wrong.length === 0) return checked;
  const expected = "a convolution and its gradient to have TensorFlow.js's own values";
  const remedy = 'Do not use it; try another libtensorflow';
  throw new SetupError({ op: entry, expected, got: wrong.join('; '), remedy });
}
