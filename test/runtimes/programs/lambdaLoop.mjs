/** The loop of a custom runtime: gets the next event, calls the handler, sends the answer, and repeats. */
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const api = `http://${process.env.AWS_LAMBDA_RUNTIME_API}/2018-06-01/runtime`;

try {
  const { handler } = await import(pathToFileURL(join(process.cwd(), 'lambda.mjs')).href);
  for (;;) {
    const next = await fetch(`${api}/invocation/next`);
    const id = next.headers.get('lambda-runtime-aws-request-id');
    const answer = await handler(await next.json());
    await fetch(`${api}/invocation/${id}/response`, { method: 'POST', body: JSON.stringify(answer) });
  }
} catch (error) {
  await fetch(`${api}/init/error`, { method: 'POST', body: JSON.stringify({ errorMessage: String(error) }) });
  process.exit(1);
}
