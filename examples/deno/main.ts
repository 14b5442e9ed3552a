/** POST an image, get labels. */
import { loadModel } from 'vanillanet';
import { decode, Refused } from './decode.ts';

const MOST_BYTES = 10 * 2 ** 20;

const model = await loadModel(import.meta.resolve('vanillanet/models/vanillanet-cifar10.safetensors'));

/** At most so many bytes, whatever the headers say. */
async function bodyOf(request: Request): Promise<Uint8Array<ArrayBuffer> | null> {
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  let size = 0;
  for await (const chunk of request.body ?? []) {
    size += chunk.length;
    if (size > MOST_BYTES) return null;
    chunks.push(chunk);
  }
  return new Uint8Array(await new Blob(chunks).arrayBuffer());
}

async function answer(request: Request): Promise<Response> {
  if (request.method !== 'POST')
    return Response.json({ error: 'POST an image' }, { status: 405, headers: { allow: 'POST' } });
  const body = await bodyOf(request);
  if (body === null) return Response.json({ error: `expected at most ${MOST_BYTES} bytes` }, { status: 413 });
  try {
    return Response.json({ labels: await model.classify(decode(body)) });
  } catch (error) {
    if (error instanceof Refused) return Response.json({ error: error.message }, { status: error.status });
    console.error(error);
    return Response.json({ error: 'the server failed' }, { status: 500 });
  }
}

Deno.serve({ port: Number(Deno.env.get('PORT') ?? 8000) }, answer);
