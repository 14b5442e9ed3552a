/**
 * Makes the page work offline: caches its files at the first load, and serves them from the cache. build.js fills in FILES
 * and VERSION, the digest of the files.
 */
const PREFIX = 'vanillanet-browser-';
const CACHE = `${PREFIX}${VERSION}`;

addEventListener('install', (event) => {
  const fresh = FILES.map((name) => new Request(name, { cache: 'no-cache' }));
  event.waitUntil(caches.open(CACHE).then((cache) => cache.addAll(fresh)));
});

/** Only on request: otherwise an open page would get files of two versions. */
addEventListener('message', ({ data }) => {
  if (data === 'take over') skipWaiting();
});

addEventListener('activate', (event) => {
  const removeOldCaches = async () => {
    const old = (await caches.keys()).filter((name) => name.startsWith(PREFIX) && name !== CACHE);
    await Promise.all(old.map((name) => caches.delete(name)));
    await clients.claim();
  };
  event.waitUntil(removeOldCaches());
});

addEventListener('fetch', (event) => {
  const { request } = event;
  if (request.method !== 'GET' || new URL(request.url).origin !== location.origin) return;
  const answer = async () => {
    const cache = await caches.open(CACHE);
    return (await cache.match(request, { ignoreSearch: true })) ?? fetch(request);
  };
  event.respondWith(answer());
});
