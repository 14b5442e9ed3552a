/** Buffers whose memory was transferred to another thread or buffer: a view of one has no bytes, or throws. */

export const DETACHED = 'a detached buffer';

export const DETACHED_HINT =
  'Its memory was transferred (by postMessage, structuredClone or transfer): pass a copy, such as bytes.slice(), of before.';

/** Whether bytes have lost their memory. Not every runtime has the property `detached`. */
export function isDetached(bytes: ArrayBufferView | ArrayBufferLike): boolean {
  try {
    (ArrayBuffer.isView(bytes) ? bytes.buffer : bytes).slice(0, 0);
    return false;
  } catch {
    return true;
  }
}
