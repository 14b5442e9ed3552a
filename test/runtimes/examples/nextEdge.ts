/** The route of examples/next-edge as it is used, and in the same application one that answers with logits. */
import { copyFile, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Consumer } from '../consumer.js';
import { edgeAnswers } from '../edgeRequest.js';
import type { Answer } from '../report.js';
import { built, installed, LABEL } from './installed.js';
import { judgeServer, withServer } from './serve.js';

/** What is beside the route is in the consumer's folder, where all programs are. */
const PARTS = ['edgeAnswers.mjs', 'answer.mjs'];

export async function nextEdge(consumer: Consumer): Promise<readonly Answer[]> {
  const example = await installed('next-edge', consumer);
  const added = join(example.copy, 'app/api/logits');
  await mkdir(added);
  await copyFile(join(consumer.folder, 'route.mjs'), join(added, 'route.js'));
  for (const part of PARTS) await copyFile(join(consumer.folder, part), join(added, part));
  const server = await built(example);
  const misfit = await judgeServer(server, LABEL);
  if (misfit !== null) throw new Error(misfit);
  return withServer(server, (_, url) =>
    edgeAnswers(consumer, (query, body) => fetch(new URL(`/api/logits${query}`, url), { method: 'POST', body })),
  );
}
