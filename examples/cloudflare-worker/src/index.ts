/** A Worker that classifies the images that are POSTed to it. */
import { discard } from './body.js';
import { classify } from './classify.js';
import type { Context, Env } from './env.js';
import { HttpError } from './httpError.js';
import { limitsOf } from './limits.js';

const USAGE = {
  usage: 'POST a PNG, JPEG or WebP image as the body',
  example: 'curl --data-binary @photograph.jpg https://this.worker/',
};

async function route(request: Request, env: Env, context: Context): Promise<object> {
  if (new URL(request.url).pathname !== '/') throw new HttpError(404, 'no such path');
  switch (request.method) {
    case 'POST':
      return classify(request, env, context);
    case 'GET':
    case 'HEAD':
      return USAGE;
    default:
      throw new HttpError(405, 'expected POST or GET', { Allow: 'GET, HEAD, POST' });
  }
}

/** The response to an error. Details of unexpected errors are logged and not sent. */
function errorResponse(error: unknown): Response {
  const known = error instanceof HttpError ? error : new HttpError(500, 'the server failed');
  if (known !== error) console.error(error);
  const { status, message, headers } = known;
  return Response.json({ error: { status, message } }, { status, headers });
}

export default {
  fetch(request: Request, env: Env, context: Context): Promise<Response> {
    const response = route(request, env, context)
      .finally(() => discard(request, limitsOf(env)))
      .then((body) => Response.json(body), errorResponse);
    // Even if the client disconnects, the request runs to its end and frees its slot.
    context.waitUntil(response);
    return response;
  },
};
