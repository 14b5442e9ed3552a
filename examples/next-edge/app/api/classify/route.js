/** An edge function that classifies the image in the body. */
import { loadModel } from 'vanillanet';
import { decode, RefusedImageError } from './decode.js';

export const runtime = 'edge';

/** The model, loaded by the first request. After a failure, the next request tries again. */
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
    if (error instanceof RefusedImageError) return Response.json({ error: error.message }, { status: error.status });
    console.error(error);
    return Response.json({ error: 'the server failed' }, { status: 500 });
  }
}
