/** Runs the network in a worker, so that the page stays responsive. */
import { loadModel } from 'vanillanet';
import { decode } from './decode.js';
import { fetchChunks } from './weights.js';

/** The page's options: `?build=plain` gives the same bits on every machine, `?threads=1` uses one core. */
const options = new URLSearchParams(name);

function open() {
  const chunks = fetchChunks('weights.safetensors', (loaded, total) => {
    postMessage({ type: 'progress', loaded, total });
  });
  // Threads need a cross-origin isolated page. A test for shared memory is not enough.
  const threads = options.has('threads') ? Number(options.get('threads')) : crossOriginIsolated ? 'auto' : 1;
  return loadModel(chunks, { build: options.get('build') ?? 'auto', threads });
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
    postMessage({ type: 'refused', id, reason: error.message, isPicture: error.name !== 'DecodeError' });
  }
});
