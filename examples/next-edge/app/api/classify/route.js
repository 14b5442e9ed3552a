/** POST an image, get labels: an edge function. */
import { loadModel } from 'vanillanet';
import { decode, Refused } from './decode.js';

export const runtime = 'edge';

/** Weights lie in public/. What fails is tried again by the next request. */
let opening = null;

export async function POST(request) {
  try {
    opening ??= loadModel(new URL('/net.safetensors', request.url).href).catch((error) => {
      opening = null;
      throw error;
    });
    const model = await opening;
    const image = decode(new Uint8Array(await request.arrayBuffer()));
    return Response.json({ labels: await model.classify(image) });
  } catch (error) {
    if (error instanceof Refused) return Response.json({ error: error.message }, { status: error.status });
    console.error(error);
    return Response.json({ error: 'the server failed' }, { status: 500 });
  }
}
