/** A request to the Worker and its answer, which is always JSON. */
import assert from 'node:assert/strict';

export interface WorkerAnswer {
  readonly status: number;
  readonly headers: Headers;
  /** The body: labels, or an error. */
  readonly text: string;
}

type Init = RequestInit & { readonly duplex?: 'half' };

export async function ask(url: string, init: Init = {}): Promise<WorkerAnswer> {
  const response = await fetch(url, init);
  const text = await response.text();
  assert.equal(response.headers.get('Content-Type'), 'application/json', `${response.status}: ${text}`);
  return { status: response.status, headers: response.headers, text };
}

export const post = (url: string, image: Uint8Array, init: RequestInit = {}): Promise<WorkerAnswer> =>
  ask(url, { method: 'POST', body: new Uint8Array(image), ...init });

/** The labels of an image, best first. */
export async function labelsOf(url: string, image: Uint8Array): Promise<string[]> {
  const { status, text } = await post(url, image);
  assert.equal(status, 200, text);
  const { labels } = JSON.parse(text) as { labels: { label: string; probability: number }[] };
  assert.ok(labels.every(({ probability }, i) => i === 0 || probability <= labels[i - 1].probability));
  return labels.map(({ label }) => label);
}
