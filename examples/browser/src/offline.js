/** The page's side of the service worker. */

/**
 * @param onReady called when the page works offline
 * @param onUpdate called when a newer version is ready, with a function that switches to it
 */
export async function keepOffline({ onReady, onUpdate }) {
  // Undefined unless the page comes by https or from localhost.
  const { serviceWorker } = navigator;
  if (serviceWorker === undefined) return;

  let controlled = serviceWorker.controller !== null;
  serviceWorker.addEventListener('controllerchange', () => {
    // The first service worker has the files of this page. A later one has others, so the page reloads.
    if (controlled) location.reload();
    controlled = true;
  });

  const registration = await serviceWorker.register('service-worker.js');
  const offer = (worker) => {
    // The first service worker activates by itself.
    if (worker?.state !== 'installed' || serviceWorker.controller === null) return;
    onUpdate(() => {
      worker.postMessage('take over');
    });
  };
  const follow = (worker) => {
    worker?.addEventListener('statechange', () => {
      offer(worker);
    });
  };
  offer(registration.waiting);
  follow(registration.installing);
  registration.addEventListener('updatefound', () => {
    follow(registration.installing);
  });
  await serviceWorker.ready;
  onReady();
}
