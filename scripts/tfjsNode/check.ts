import { fileURLToPath } from 'node:url';
import { command, errorLine } from './command.js';
import { ROOT } from './location.js';
import { SetupError } from './setupError.js';

const PROBE = fileURLToPath(new URL('probe.ts', import.meta.url));

/** How an addon describes itself. */
export interface AddonInfo {
  readonly libtensorflow: string;
  readonly device: 'CUDA' | 'CPU';
}

/** Runs a convolution and its gradients with the addon. @throws SetupError unless all values are right */
export async function check(entry: string): Promise<AddonInfo> {
  const parameters = ['--no-warnings', '--import', './scripts/ts-node.js', PROBE, entry];
  const env = { ...process.env, TF_CPP_MIN_LOG_LEVEL: '2' };
  const { status, stdout, output } = await command(process.execPath, parameters, { cwd: ROOT, env });
  if (status !== 0) {
    // A damaged library crashes its process.
    const got = status === null ? 'a crash' : errorLine(output, 'first');
    const hint = 'Build it again with --force: it may be of another machine, or its libtensorflow was removed.';
    throw new SetupError({ op: entry, expected: 'an addon that loads', got, hint });
  }
  // TensorFlow may have printed other lines before.
  const lastLine = stdout.trim().replace(/^.*\n/s, '');
  const { wrong, ...info } = JSON.parse(lastLine) as AddonInfo & { wrong: string[] };
  if (wrong.length === 0) return info;
  const expected = "a convolution and its gradients to equal those of TensorFlow.js' cpu engine";
  const hint = 'Do not use this build. Try another libtensorflow.';
  throw new SetupError({ op: entry, expected, got: wrong.join('; '), hint });
}
