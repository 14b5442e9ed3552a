/** One training in a separate process: opens the trainer of the job, and sends the messages of job.ts. */
import { send as sendLine } from '../send.js';
import type { OpenTrainer, TrainerName, TrainingJob, TrainingMessage } from './job.js';

/** Imported only when measured. PyTorch has its own program, runtimes/pytorch.py. */
const TRAINERS: Record<
  Exclude<TrainerName, 'pytorch' | 'pytorch-tuned'>,
  () => Promise<{ readonly open: OpenTrainer }>
> = {
  vanillanet: () => import('./runtimes/vanillanet.js'),
  'jax-js': () => import('./runtimes/jaxJs.js'),
};

/** Typed: sends only messages that the parent knows. */
const send: (message: TrainingMessage | { readonly event: 'failed'; readonly reason: string }) => void = sendLine;

async function measure(job: TrainingJob): Promise<void> {
  if (job.trainer === 'pytorch' || job.trainer === 'pytorch-tuned') throw new Error('PyTorch does not run in Node');
  const { open } = await TRAINERS[job.trainer]();
  const { step, how } = await open(job);
  const values: number[] = [];
  for (let i = 0; i < job.lossCount; i++) values.push(await step());
  send({ event: 'losses', values, ...(how === undefined ? {} : { how }) });
  if (job.steps === 0) return;

  const begin = performance.now();
  for (let i = 0; i < job.warmUp.steps || performance.now() - begin < job.warmUp.ms; i++) await step();
  const ms: number[] = [];
  let loss = NaN;
  for (let i = 0; i < job.steps; i++) {
    const start = performance.now();
    loss = await step();
    ms.push(performance.now() - start);
  }
  send({ event: 'done', ms, loss });
}

try {
  await measure(JSON.parse(process.argv[2]) as TrainingJob);
} catch (error) {
  send({ event: 'failed', reason: error instanceof Error ? error.message : String(error) });
}
process.exit();
