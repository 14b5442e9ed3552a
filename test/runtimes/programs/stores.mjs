/** A Worker that loads weights from KV, R2 and the cache, as one file and in shards. */
import { loadModel, openShards, preprocess } from 'vanillanet';
import { answerOf } from './answer.mjs';

const CACHED = { headers: { 'cache-control': 'max-age=3600' } };
const urlOf = (file) => `https://cache.example/${file}`;
const inShards = async (index, open) => openShards(await index, open);

const STORES = {
  kv: ({ KV }, name) => inShards(KV.get(`${name}.json`, 'json'), (file) => KV.get(file, 'stream')),
  'kv, one file': ({ KV }, name) => KV.get(`${name}.safetensors`, 'stream'),
  r2: async ({ R2 }, name) => inShards((await R2.get(`${name}.json`)).json(), (file) => R2.get(file)),
  'r2, one file': ({ R2 }, name) => R2.get(`${name}.safetensors`),
  async cache({ KV }, name) {
    const index = await KV.get(`${name}.json`, 'json');
    for (const { file } of index.shards) {
      await caches.default.put(urlOf(file), new Response(await KV.get(file, 'stream'), CACHED));
    }
    return openShards(index, (file) => caches.default.match(urlOf(file)));
  },
};

export default {
  async fetch(request, env) {
    const { searchParams } = new URL(request.url);
    const [width, height] = ['width', 'height'].map((side) => Number(searchParams.get(side)));
    const photograph = { data: new Uint8Array(await request.arrayBuffer()), width, height };
    const answers = [];
    for (const name of searchParams.getAll('name')) {
      for (const [store, sourceOf] of Object.entries(STORES)) {
        const source = await sourceOf(env, name);
        const answer = await answerOf({ loadModel, preprocess }, source, photograph, { build: 'plain' });
        answers.push({ store, name, ...answer });
      }
    }
    return Response.json(answers);
  },
};
