/** Sends requests to programs/edgeAnswers.mjs. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Consumer } from './consumer.js';
import type { Answer } from './report.js';

interface JsonResponse {
  readonly ok: boolean;
  readonly status: number;
  text(): Promise<string>;
  json(): Promise<unknown>;
}

/** @param post sends a body to the function, with this query string */
export async function edgeAnswers(
  { folder, photograph: { data, width, height } }: Consumer,
  post: (query: string, body: Uint8Array<ArrayBuffer>) => Promise<JsonResponse>,
): Promise<readonly Answer[]> {
  const weights = await readFile(join(folder, 'net.safetensors'));
  const response = await post(`?width=${width}&height=${height}&pixels=${data.length}`, Buffer.concat([data, weights]));
  if (!response.ok) throw new Error(`status ${response.status}: ${await response.text()}`);
  return (await response.json()) as Answer[];
}
