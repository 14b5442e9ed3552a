/** The task of each runtime: computes the photograph's logits, and reports build, threads, memory and times. */

const hex = (floats) =>
  Array.from(new Uint8Array(floats.buffer, floats.byteOffset, floats.byteLength), (b) =>
    b.toString(16).padStart(2, '0'),
  ).join('');

/** The options of `preprocess` from a model's configuration. */
const inputOf = ({ input_size: size, crop_pct, interpolation, mean, std }) => ({
  size,
  crop_pct,
  interpolation,
  mean,
  std,
});

export async function answerOf({ loadModel, preprocess }, weights, photograph, options = {}) {
  const begin = performance.now();
  const model = await loadModel(weights, options);
  const loaded = performance.now();
  const x = preprocess(photograph, inputOf(model.config));
  const logits = await model.forward(x);
  const done = performance.now();
  const [best] = await model.classify(photograph);
  const { build, threads, memory } = model.info;
  model.dispose();
  return {
    ...{ logits: hex(logits), label: best.label, build, threads, memory },
    ...{ loadMs: loaded - begin, ms: done - loaded },
  };
}
