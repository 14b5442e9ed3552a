/** The logits of pictures from their files, in each runtime. */
import { loadModel } from 'vanillanet';

/** The logits of a call, or the name of its error. */
export const answerOf = (call) =>
  call.then(
    (logits) => Array.from(logits),
    ({ name }) => name,
  );

/** @param pictures files in base64, by name */
export async function logitsOf(weights, pictures) {
  const model = await loadModel(weights, { build: 'plain' });
  const answers = {};
  for (const [name, { file }] of Object.entries(pictures)) {
    answers[name] = await answerOf(model.forward(Uint8Array.from(globalThis.atob(file), (c) => c.charCodeAt(0))));
  }
  return { model, answers };
}
