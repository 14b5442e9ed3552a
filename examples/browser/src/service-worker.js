/**
 * The page without a network: its files are kept when it is first loaded, and taken from there.
 * VERSION is made of what is in FILES, so that another page is another version; build.js fills in both.
 */
const PREFIX = 'vanillanet-browser-';
const CACHE = `${PREFIX}${VERSION}`;

addEventListener('install', (event) => {
  const fresh = FILES.map((name) => new Request(name, { cache: 'no-cache' }));
  event.waitUntil(caches.open(CACHE).then((cache) => cache.addAll(fresh)));
});

/** The page says when: one that is open would otherwise get files of two versions. */
addEventListener('message', ({ data }) => {
  if (data === 'take over') skipWaiting();
});

addEventListener('activate', (event) => {
  const tidy = async () => {
    const old = (await caches.keys()).filter((name) => name.startsWith(PREFIX) && name !== CACHE);
    await Promise.all(old.map((name) => caches.delete(name)));
    await clients.claim();
  };
  event.waitUntil(tidy());
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
