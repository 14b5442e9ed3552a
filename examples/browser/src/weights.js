/**
 * A file in chunks as they come, for `loadModel`, which takes them in one by one.
 *
 * @param onProgress told the bytes so far, and how many they will be, or 0 where nobody says
 */
export async function* fetchChunks(url, onProgress) {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url}: status ${response.status}`);
  const total = Number(response.headers.get('Content-Length') ?? 0);
  const reader = response.body.getReader();
  for (let loaded = 0; ;) {
    const { done, value } = await reader.read();
    if (done) return;
    loaded += value.length;
    onProgress(loaded, total);
    yield value;
  }
}
