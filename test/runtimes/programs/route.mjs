/** An edge function as a route of Next.js. */
export { edgeAnswers as POST } from './edgeAnswers.mjs';

export const runtime = 'edge';
