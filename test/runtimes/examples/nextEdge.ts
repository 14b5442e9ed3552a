/** Tests the route of examples/next-edge, and a route routeFolder to the same application that answers with logits. */
import { copyFile, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Consumer } from '../consumer.js';
import { edgeAnswers } from '../edgeRequest.js';
import type { Answer } from '../report.js';
import { buildExample, installExample, LABEL } from './installExample.js';
import { judgeServer, withServer } from './serve.js';

/** The modules that the routeFolder route imports, from the consumer's folder. */
const PARTS = ['edgeAnswers.mjs', 'answer.mjs'];

export async function nextEdge(consumer: Consumer): Promise<readonly Answer[]> {
  const example = await installExample('next-edge', consumer);
  const routeFolder = join(example.copy, 'app/api/logits');
  await mkdir(routeFolder);
  await copyFile(join(consumer.folder, 'route.mjs'), join(routeFolder, 'route.js'));
  for (const part of PARTS) await copyFile(join(consumer.folder, part), join(routeFolder, part));
  const server = await buildExample(example);
  const mismatch = await judgeServer(server, LABEL, { webp: true });
  if (mismatch !== null) throw new Error(mismatch);
  return withServer(server, (_, url) =>
    edgeAnswers(consumer, (query, body) => fetch(new URL(`/api/logits${query}`, url), { method: 'POST', body })),
  );
}
