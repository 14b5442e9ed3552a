/** A Worker that loads weights from R2, with `vanillanet`, and with `vanillanet/core` and an imported module. */
import * as vanillanet from 'vanillanet';
import * as core from 'vanillanet/core';
import wasm from 'vanillanet/plain.wasm';
import { answerOf } from './answer.mjs';

export default {
  async fetch(request, env) {
    const { searchParams } = new URL(request.url);
    const [width, height] = ['width', 'height'].map((side) => Number(searchParams.get(side)));
    const photograph = { data: new Uint8Array(await request.arrayBuffer()), width, height };
    const weights = async () => (await env.WEIGHTS.get('net.safetensors')).body;
    return Response.json([
      await answerOf(core, await weights(), photograph, { wasm }),
      await answerOf(vanillanet, await weights(), photograph, { build: 'plain' }),
      await answerOf(vanillanet, await weights(), photograph, { threads: 'auto' }),
    ]);
  },
};
