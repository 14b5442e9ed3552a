/** A standalone edge function. */
import { edgeAnswers } from './edgeAnswers.mjs';

addEventListener('fetch', (event) => {
  event.respondWith(edgeAnswers(event.request));
});
