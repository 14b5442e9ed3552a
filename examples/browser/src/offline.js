/** The service worker, as the page sees it. */

/**
 * @param onReady called when the page can do without a network
 * @param onUpdate called with a function that changes to a newer version, once there is one
 */
export async function keepOffline({ onReady, onUpdate }) {
  // Browsers have none on pages that came neither by https nor from this machine.
  const { serviceWorker } = navigator;
  if (serviceWorker === undefined) return;

  let controlled = serviceWorker.controller !== null;
  serviceWorker.addEventListener('controllerchange', () => {
    // The first one takes over a page that it fits; a later one brings another page.
    if (controlled) location.reload();
    controlled = true;
  });

  const registration = await serviceWorker.register('service-worker.js');
  const offer = (worker) => {
    // The first one that is installed waits for nobody.
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
