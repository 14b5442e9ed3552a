/**
 * One measurement in a separate process: opens the runtime of the job, and sends results as lines of JSON on file
 * descriptor 3.
 */
import { readFileSync } from 'node:fs';
import type { Job, Message, Open, RuntimeName } from './job.js';
import { send as sendLine } from './send.js';

/** Imported only when measured. PyTorch has its own program, runtimes/pytorch.py. */
const RUNTIMES: Record<Exclude<RuntimeName, 'pytorch'>, () => Promise<{ readonly open: Open }>> = {
  vanillanet: () => import('./runtimes/vanillanet.js'),
  litert: () => import('./runtimes/litert.js'),
  'onnxruntime-web': () => import('./runtimes/onnxruntimeWeb.js'),
  tfjs: () => import('./runtimes/tfjs.js'),
  'onnxruntime-node': () => import('./runtimes/onnxruntimeNode.js'),
};

/** Typed: sends only messages that the parent knows. */
const send: (message: Message) => void = sendLine;

/**
 * The peak memory of this process. On Linux a child started by vfork inherits the parent's peak in
 * `resourceUsage().maxRSS`; VmHWM is reset when the program starts.
 */
function peakRssKiB(): number {
  if (process.platform !== 'linux') return process.resourceUsage().maxRSS;
  const match = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8'));
  if (match === null) throw new Error('/proc/self/status has no VmHWM');
  return Number(match[1]);
}

async function measure(job: Job): Promise<void> {
  if (job.runtime === 'pytorch') throw new Error('pytorch does not run in Node');
  const { open } = await RUNTIMES[job.runtime]();
  const { run, binaries } = await open(job);
  const first = await run();
  send({ event: 'first' });
  send({ event: 'logits', values: [...first], binaries });
  if (job.runs === 0) return;

  let runs = 1;
  const timed = async (): Promise<{ ms: number; logits: Float32Array }> => {
    const begin = performance.now();
    const logits = await run();
    const ms = performance.now() - begin;
    if (++runs === job.peakAfter) send({ event: 'peak', rssKiB: peakRssKiB() });
    return { ms, logits };
  };

  const begin = performance.now();
  for (let i = 0; i < job.warmUp.runs || performance.now() - begin < job.warmUp.ms; i++) await timed();
  const ms: number[] = [];
  let last = first;
  for (let i = 0; i < job.runs; i++) {
    const result = await timed();
    ms.push(result.ms);
    last = result.logits;
  }
  send({ event: 'done', ms, values: [...last] });
}

try {
  await measure(JSON.parse(process.argv[2]) as Job);
} catch (error) {
  send({ event: 'failed', reason: error instanceof Error ? error.message : String(error) });
}
// The threads of some runtimes would keep the process alive.
process.exit();
