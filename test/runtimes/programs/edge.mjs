/** An edge function by itself. */
import { edgeAnswers } from './edgeAnswers.mjs';

addEventListener('fetch', (event) => {
  event.respondWith(edgeAnswers(event.request));
});
