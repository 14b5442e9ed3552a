/** What happens to a call in a round: its thread is lost, it is aborted, its model is disposed, its weights end. */
import { resolveConfig } from '../../../src/core/config.js';
import { VanillaNetError } from '../../../src/core/errors.js';
import { loadModel, type LoadModelOptions, type Model, type WeightsSource } from '../../../src/entries/index.js';
import { train } from '../../../src/entries/train.js';
import { writeConfig } from '../../../src/io/configMetadata.js';
import { encodeSafetensors } from '../../../src/io/safetensors.js';
import { imageSetOf, stateOf, TINY_TRAIN } from '../fixtures.js';
import { lazy } from '../lazy.js';
import { Random } from '../random.js';
import { running } from './resources.js';

/** A network whose images take a few milliseconds each, so that a random moment is mostly within a call. */
const CONFIG = resolveConfig({
  ...{ dims: [32, 64, 128], strides: [2, 2], num_classes: 10, input_size: 64, form: 'deploy', lambda: 1 },
});

const FILE = encodeSafetensors(stateOf(CONFIG), { metadata: writeConfig(CONFIG) });

const IMAGES = 4;
const LENGTH = 3 * 64 * 64;
const X = Float32Array.from({ length: IMAGES * LENGTH }, (_, i) => ((i * 31) % 101) / 50 - 1);
const IMAGE = { data: Uint8Array.from({ length: 3 * 80 * 70 }, (_, i) => (i * 7) % 256), width: 80, height: 70 };
const PROBE = X.subarray(0, LENGTH);

/** The plain build computes the same bits with any number of threads. */
const load = (weights: WeightsSource = FILE, options: LoadModelOptions = {}): Promise<Model> =>
  loadModel(weights, { build: 'plain', timeout: 200, retries: 0, ...options });

const bitsOf = (values: unknown): string =>
  JSON.stringify(values, (_, value: unknown) =>
    ArrayBuffer.isView(value)
      ? Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('base64')
      : value instanceof Map
        ? [...(value as Map<unknown, unknown>)]
        : value,
  );

/** A call of a model, with the options that it passes. */
type Call = (model: Model, options: { readonly signal?: AbortSignal }) => Promise<unknown>;

const CALLS: Readonly<Record<string, Call>> = {
  forward: (model, options) => model.forward(X, IMAGES, options),
  classify: (model, options) => model.classify(IMAGE, options),
  features: (model, options) => model.features(PROBE, ['stages.0', 'cls.0'], 1, options),
};

/** What an undisturbed model answers, to each call and to the probe. */
const expected = lazy(async () => {
  const model = await load();
  const answers = new Map<string, string>([['probe', bitsOf(await model.forward(PROBE))]]);
  for (const [name, call] of Object.entries(CALLS)) answers.set(name, bitsOf(await call(model, {})));
  model.dispose();
  return answers;
});

export const pause = (milliseconds: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, milliseconds));

/** Occupies this thread. */
function spin(milliseconds: number): void {
  const end = performance.now() + milliseconds;
  while (performance.now() < end);
}

/** A rule that a round broke. */
export class BrokenRule extends Error {}

/** Milliseconds within which a call must settle after what happened to it. */
const LIMIT = 1000;

/** How calls ended: rounds of which all are answered, or none, would test nothing. */
export const outcomes = { answered: 0, refused: 0 };

/** An answer, or the error of a call. @throws BrokenRule if it does not settle in time, or with another error */
async function settle(result: Promise<unknown>, isReason: (error: unknown) => boolean): Promise<string | null> {
  const start = performance.now();
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new BrokenRule(`no answer within ${10 * LIMIT} ms`));
    }, 10 * LIMIT);
  });
  try {
    const answer = bitsOf(await Promise.race([result, late]));
    outcomes.answered++;
    return answer;
  } catch (error) {
    if (error instanceof BrokenRule) throw error;
    if (!(error instanceof VanillaNetError) && !isReason(error))
      throw new BrokenRule(`threw ${String(error)}`, { cause: error });
    outcomes.refused++;
    return null;
  } finally {
    clearTimeout(timer);
    const elapsed = performance.now() - start;
    // eslint-disable-next-line no-unsafe-finally -- too late is worse than wrong
    if (elapsed > LIMIT) throw new BrokenRule(`settled after ${elapsed.toFixed(0)} ms`);
  }
}

const never = (): boolean => false;

async function checkNext(model: Model): Promise<void> {
  const got = bitsOf(await model.forward(PROBE));
  if (got !== (await expected()).get('probe')) throw new BrokenRule('the next call answered other bits');
}

async function checkAnswer(name: string, answer: string | null): Promise<void> {
  if (answer === null) return;
  if (answer !== (await expected()).get(name)) throw new BrokenRule(`${name} answered other bits`);
}

/** A network that a thread computes in turn: calls, and what is done to one of them. */
export interface Scenario {
  readonly name: string;
  round(random: Random): Promise<void>;
}

/** A thread ends at a random moment: while it starts, before a call, or within. */
async function loseThread(random: Random): Promise<void> {
  const others = new Set(running);
  const loading = load(FILE, { threads: 2 });
  const lose = (): void => {
    for (const worker of running) if (!others.has(worker)) void worker.terminate();
  };
  if (random.chance(0.2)) {
    const timer = setTimeout(lose, random.number(0, 40));
    await settle(loading, never);
    clearTimeout(timer);
    const opened = await loading.catch(() => null);
    if (opened === null) return;
    await checkNext(opened);
    opened.dispose();
    return;
  }
  const model = await loading;
  const name = random.pick(Object.keys(CALLS));
  let timer: NodeJS.Timeout | undefined;
  if (random.chance(0.5)) timer = setTimeout(lose, random.number(0, 20));
  else {
    lose();
    spin(random.number(0, 3));
  }
  const calls = Array.from({ length: random.integer(1, 3) }, () => settle(CALLS[name](model, {}), never));
  for (const answer of await Promise.all(calls)) await checkAnswer(name, answer);
  clearTimeout(timer);
  await checkNext(model);
  model.dispose();
}

/** A call, a load or a training is aborted. */
async function abortCall(random: Random): Promise<void> {
  const model = await load(FILE, { threads: random.integer(1, 2) });
  const controller = new AbortController();
  const reason = new Error('aborted by the caller');
  const name = random.pick(Object.keys(CALLS));
  const { signal } = controller;
  const calls = Array.from({ length: random.integer(1, 4) }, () => CALLS[name](model, { signal }));
  const settled = calls.map((call) => settle(call, (error) => error === reason));
  if (random.chance(0.2)) controller.abort(reason);
  else
    setTimeout(
      () => {
        controller.abort(reason);
      },
      random.number(0, 30),
    );
  for (const answer of await Promise.all(settled)) await checkAnswer(name, answer);
  controller.abort(reason);
  await checkNext(model);
  model.dispose();
}

/** The bytes in chunks, each after a pause. */
async function* slowly(random: Random, bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length;) {
    const size = random.integer(1, bytes.length / 4);
    yield bytes.subarray(at, at + size);
    at += size;
    await pause(random.integer(0, 3));
  }
}

async function abortLoad(random: Random): Promise<void> {
  const controller = new AbortController();
  const reason = new Error('aborted by the caller');
  const { signal } = controller;
  setTimeout(
    () => {
      controller.abort(reason);
    },
    random.number(0, 120),
  );
  const loading = load(slowly(random, FILE), { signal, threads: random.integer(1, 2) });
  await settle(loading, (error) => error === reason);
  const model = await loading.catch(() => null);
  if (model === null) return;
  await checkNext(model);
  model.dispose();
}

const RECIPE = { epochs: 2, batchSize: 2, lr: 0.01, decayEpochs: 0, seed: 1 } as const;

async function abortTraining(random: Random): Promise<void> {
  const controller = new AbortController();
  const reason = new Error('aborted by the caller');
  setTimeout(
    () => {
      controller.abort(reason);
    },
    random.number(0, 250),
  );
  const data = { train: imageSetOf(new Random('training'), 4), validation: null };
  const run = async (): Promise<number> => {
    const progress = train(data, TINY_TRAIN, RECIPE, { signal: controller.signal, workers: random.integer(0, 1) });
    for (let events = 0; ; events++) if ((await progress.next()).done === true) return events;
  };
  await settle(run(), (error) => error === reason);
}

/** A model is disposed while it computes. */
async function disposeModel(random: Random): Promise<void> {
  const model = await load(FILE, { threads: random.integer(1, 2) });
  const name = random.pick(Object.keys(CALLS));
  const calls = Array.from({ length: random.integer(1, 4) }, () => settle(CALLS[name](model, {}), never));
  if (random.chance(0.3)) model.dispose();
  else
    setTimeout(
      () => {
        model.dispose();
      },
      random.number(0, 30),
    );
  for (const answer of await Promise.all(calls)) await checkAnswer(name, answer);
  model.dispose();
  await settle(model.forward(PROBE), never).then((answer) => {
    if (answer !== null) throw new BrokenRule('a disposed model answered');
  });
}

type Ending = 'end' | 'error' | 'stall';

/** The first bytes, and then an end, an error or nothing. */
function cutStream(bytes: Uint8Array, ending: Ending): ReadableStream<Uint8Array> {
  let at = 0;
  return new ReadableStream({
    pull(controller) {
      const chunk = bytes.slice(at, at + 50_000);
      at += chunk.length;
      if (chunk.length > 0) controller.enqueue(chunk);
      else if (ending === 'end') controller.close();
      else if (ending === 'error') controller.error(new TypeError('terminated'));
      else return new Promise<void>(() => undefined);
      return undefined;
    },
  });
}

/** The weights end at a random byte, whatever they come from. */
async function cutLoad(random: Random): Promise<void> {
  const length = random.chance(0.1) ? FILE.length : random.integer(0, FILE.length);
  const ending = random.pick<Ending>(['end', 'error', 'stall']);
  const stream = (): ReadableStream<Uint8Array> => cutStream(FILE.subarray(0, length), ending);
  const headers = { 'content-length': `${FILE.length}` };
  const [source, options] = random.pick<() => [WeightsSource, LoadModelOptions]>([
    () => [FILE.slice(0, length), {}],
    () => [stream(), {}],
    () => [new Response(stream(), { headers }), {}],
    () => ['http://host/net.safetensors', { fetch: () => Promise.resolve(new Response(stream(), { headers })) }],
  ])();
  const loading = load(source, { ...options, threads: random.integer(1, 2) });
  await settle(loading, never);
  const model = await loading.catch(() => null);
  if (model === null) return;
  if (length < FILE.length) throw new BrokenRule('a part of a file made a model');
  await checkNext(model);
  model.dispose();
}

export const SCENARIOS: readonly Scenario[] = [
  { name: 'thread-lost', round: loseThread },
  { name: 'call-aborted', round: abortCall },
  { name: 'load-aborted', round: abortLoad },
  { name: 'training-aborted', round: abortTraining },
  { name: 'disposed', round: disposeModel },
  { name: 'load-cut', round: cutLoad },
];
