/** The network, on a thread of its own: the page stays quick whatever is computed here. */
import { loadModel } from 'vanillanet';
import { decode, Undecodable } from './decode.js';
import { fetchChunks } from './weights.js';

/** `?build=plain` gives the same bits on every machine, `?threads=1` keeps to one core. */
const asked = new URLSearchParams(name);

function open() {
  const chunks = fetchChunks('weights.safetensors', (loaded, total) => {
    postMessage({ type: 'progress', loaded, total });
  });
  // Shared memory can be had where its threads cannot: what counts is whether the page is isolated.
  const threads = asked.has('threads') ? Number(asked.get('threads')) : crossOriginIsolated ? 'auto' : 1;
  return loadModel(chunks, { build: asked.get('build') ?? 'auto', threads });
}

const opened = open();
opened.then(
  ({ config, info }) => {
    const { class_names: classes, input_size: size, crop_pct: crop } = config;
    postMessage({ type: 'ready', classes, size, crop, build: info.build, threads: info.threads, memory: info.memory });
  },
  ({ message }) => {
    postMessage({ type: 'failed', reason: message });
  },
);

addEventListener('message', async ({ data: { id, picture } }) => {
  try {
    const model = await opened;
    const pixels = await decode(picture);
    const begin = performance.now();
    const predictions = await model.classify(pixels, { topK: 5 });
    postMessage({ type: 'answer', id, predictions, milliseconds: performance.now() - begin });
  } catch (error) {
    postMessage({ type: 'refused', id, reason: error.message, isPicture: !(error instanceof Undecodable) });
  }
});
