/** The page's side of the worker. */

/** Starts the worker. The callbacks report the progress, success or failure of loading the network. */
export function startNetwork({ onProgress, onReady, onFailure }) {
  // The page's options are passed as the worker's name: a query would miss the service worker's cache.
  const worker = new Worker('worker.js', { type: 'module', name: location.search });
  const requests = new Map();
  const settle = (id, how, value) => {
    requests.get(id)?.[how](value);
    requests.delete(id);
  };
  /** The error that stopped the worker; null while it runs. */
  let broken = null;
  const fail = (reason) => {
    broken = new Error(reason);
    for (const id of requests.keys()) settle(id, 'reject', broken);
    onFailure(reason);
  };
  const on = {
    progress: onProgress,
    ready: onReady,
    failed: ({ reason }) => onFailure(reason),
    answer: (answer) => settle(answer.id, 'resolve', answer),
    refused: ({ id, reason, isPicture }) => settle(id, 'reject', Object.assign(new Error(reason), { isPicture })),
  };
  worker.addEventListener('message', ({ data }) => on[data.type](data));
  // The worker's script could not be loaded or parsed.
  worker.addEventListener('error', ({ message }) => fail(message ?? 'its script did not load'));

  let last = 0;
  return {
    /**
     * Classifies a picture: the predictions, most probable first, and the time.
     *
     * @throws Error with `isPicture` false if the browser cannot decode it
     */
    classify(picture) {
      if (broken !== null) return Promise.reject(broken);
      const id = ++last;
      return new Promise((resolve, reject) => {
        requests.set(id, { resolve, reject });
        worker.postMessage({ id, picture });
      });
    },
  };
}
