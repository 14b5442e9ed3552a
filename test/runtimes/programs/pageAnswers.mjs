/** The answers of a page, which fetches weights and pixels. */
import { answerOf } from './answer.mjs';

/** Checks that the number of threads decreases by one for each thread that ends. */
async function endTeam({ createWasmBackend, parameterShapes, resolveConfig, streamOf }) {
  const config = resolveConfig({ dims: [8, 8], strides: [2], num_classes: 3, input_size: 16, form: 'deploy' });
  const zeros = (shape) => ({ shape, data: new Float32Array(shape.reduce((a, b) => a * b, 1)) });
  const state = new Map([...parameterShapes(config)].map(([name, shape]) => [name, zeros(shape)]));
  const session = await createWasmBackend({ threads: 3 }).open(streamOf(state), config);
  session.dispose();
  for (let i = 0; i < 200 && session.info.threads > 1; i++)
    await new Promise((resolve) => globalThis.setTimeout(resolve, 10));
  // Waits for a repeated event, which would lower the number to 0.
  await new Promise((resolve) => globalThis.setTimeout(resolve, 50));
  if (session.info.threads !== 1) throw new Error(`${session.info.threads} threads after the end of two of three`);
}

export async function answersOf(vanillanet, source = '/net.safetensors') {
  if (globalThis.crossOriginIsolated) await endTeam(vanillanet);
  const { width, height } = await (await fetch('/photograph.json')).json();
  const photograph = { data: new Uint8Array(await (await fetch('/photograph.rgb')).arrayBuffer()), width, height };
  const answers = [];
  for (const options of [{ build: 'plain' }, { build: 'plain', threads: 'auto' }, {}]) {
    answers.push(await answerOf(vanillanet, source, photograph, options));
  }
  return answers;
}
