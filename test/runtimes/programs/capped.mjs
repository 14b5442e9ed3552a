/** A Worker that loads the model on request, so that the cost of loading can be measured from outside. */
import { loadModel } from 'vanillanet/core';
import wasm from 'vanillanet/plain.wasm';

let model = null;

const ROUTES = {
  '/ready': () => 'ready',
  async '/load'(env) {
    model = await loadModel(await env.WEIGHTS.fetch('http://disk/net.safetensors'), { wasm });
    return model.info.memory;
  },
  async '/classify'() {
    const [height, width] = model.config.input_size;
    const data = Uint8Array.from({ length: 3 * height * width }, (_, i) => (37 * i) % 256);
    return model.classify({ data, width, height }, { topK: 2 });
  },
};

export default {
  async fetch(request, env) {
    return Response.json(await ROUTES[new URL(request.url).pathname](env));
  },
};
