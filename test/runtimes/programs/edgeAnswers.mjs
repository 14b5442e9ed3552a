/** The answer of an edge function, with `vanillanet` and `vanillanet/core`. The body has the image, then the weights. */
import * as vanillanet from 'vanillanet';
import * as core from 'vanillanet/core';
import wasm from 'vanillanet/plain.wasm?module';
import { answerOf } from './answer.mjs';

export async function edgeAnswers(request) {
  const { searchParams } = new URL(request.url);
  const [width, height, pixels] = ['width', 'height', 'pixels'].map((name) => Number(searchParams.get(name)));
  const body = new Uint8Array(await request.arrayBuffer());
  const photograph = { data: body.subarray(0, pixels), width, height };
  const weights = body.subarray(pixels);
  return Response.json([
    await answerOf(core, weights, photograph, { wasm }),
    await answerOf(vanillanet, weights, photograph, { build: 'plain' }),
    await answerOf(vanillanet, weights, photograph, { threads: 'auto' }),
  ]);
}
