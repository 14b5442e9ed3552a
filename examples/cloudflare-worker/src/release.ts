/** Frees an array's memory now and not at the next garbage collection. */
export function release(array: Uint8Array | Uint8ClampedArray): void {
  // Transfers the buffer to one of length 0.
  (array.buffer as ArrayBuffer).transfer(0);
}
