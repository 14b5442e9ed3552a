/** A server that classifies the images that are POSTed to it. */
import { loadModel } from 'vanillanet';
import { decode, RefusedImageError } from './decode.ts';

const MAX_BYTES = 10 * 2 ** 20;

const model = await loadModel(import.meta.resolve('vanillanet/models/vanillanet-cifar10.safetensors'));

/** The body; null if it is too long. The bytes are counted, because Content-Length may be wrong or missing. */
async function bodyOf(request: Request): Promise<Uint8Array<ArrayBuffer> | null> {
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  let size = 0;
  for await (const chunk of request.body ?? []) {
    size += chunk.length;
    if (size > MAX_BYTES) return null;
    chunks.push(chunk);
  }
  return new Uint8Array(await new Blob(chunks).arrayBuffer());
}

async function answer(request: Request): Promise<Response> {
  if (request.method !== 'POST')
    return Response.json({ error: 'POST an image' }, { status: 405, headers: { allow: 'POST' } });
  const body = await bodyOf(request);
  if (body === null) return Response.json({ error: `expected at most ${MAX_BYTES} bytes` }, { status: 413 });
  try {
    return Response.json({ labels: await model.classify(decode(body)) });
  } catch (error) {
    if (error instanceof RefusedImageError) return Response.json({ error: error.message }, { status: error.status });
    console.error(error);
    return Response.json({ error: 'the server failed' }, { status: 500 });
  }
}

Deno.serve({ port: Number(Deno.env.get('PORT') ?? 8000) }, answer);
