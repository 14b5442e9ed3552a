/** Runs the handler on a file, without Lambda: `npm run try -- photo.jpg`. */
import { readFile } from 'node:fs/promises';
import { handler } from './index.js';

const body = await readFile(process.argv[2] ?? '');
const { statusCode, body: text } = await handler({ body: body.toString('base64'), isBase64Encoded: true });
console.log(statusCode, JSON.parse(text));
