/**
 * Downloads a file chunk by chunk, for `loadModel`, which consumes the chunks as they arrive.
 *
 * @param onProgress called with the bytes so far and the total, which is 0 if the server does not send it
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
