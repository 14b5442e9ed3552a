/** Gives an array's memory back at once, which V8 would otherwise do when it next looks for garbage. */
export function release(array: Uint8Array | Uint8ClampedArray): void {
  // What is transferred leaves its place, and nothing of it is taken along.
  (array.buffer as ArrayBuffer).transfer(0);
}
