/** The worker, as the page sees it. */

/** @param onProgress @param onReady @param onFailure told while and when the network is loaded, or is not */
export function startNetwork({ onProgress, onReady, onFailure }) {
  // The page's options go along as a name: what a service worker keeps has an address without them.
  const worker = new Worker('worker.js', { type: 'module', name: location.search });
  const asked = new Map();
  const settle = (id, how, value) => {
    asked.get(id)?.[how](value);
    asked.delete(id);
  };
  /** Why nothing is answered any more; null while it is. */
  let broken = null;
  const fail = (reason) => {
    broken = new Error(reason);
    for (const id of asked.keys()) settle(id, 'reject', broken);
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
  // The script itself did not come, or is none.
  worker.addEventListener('error', ({ message }) => fail(message ?? 'its script did not load'));

  let last = 0;
  return {
    /**
     * What the network takes a picture for, best first, and how long that took it.
     *
     * @throws Error whose `isPicture` is false where the browser makes no picture of it
     */
    classify(picture) {
      if (broken !== null) return Promise.reject(broken);
      const id = ++last;
      return new Promise((resolve, reject) => {
        asked.set(id, { resolve, reject });
        worker.postMessage({ id, picture });
      });
    },
  };
}
