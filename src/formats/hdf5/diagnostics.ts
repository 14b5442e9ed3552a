/**
 * What the library writes about errors. Its functions in h5wasm 0.10 often return nothing else of an error: they return
 * parts of lists, and numbers that they have not set.
 */
export class Diagnostics {
  #lines: string[] = [];

  /** Lines that are kept: the cause of an error is the last one. */
  static readonly #MOST = 100;

  add(text: string): void {
    this.#lines.push(...text.split('\n'));
    this.#lines.splice(0, this.#lines.length - Diagnostics.#MOST);
  }

  clear(): void {
    this.#lines = [];
  }

  get isEmpty(): boolean {
    return this.#lines.length === 0;
  }

  /** The cause of the last error without its numbers, which are not always those of the file, such as `wrong B-tree signature` of `#005: H5B.c line 453 in f(): wrong B-tree signature`. */
  cause(): string {
    const causes = this.#lines.map((line) => /^\s*#\d+: .* in \w+\(\): ([^,]*)/.exec(line)?.[1]);
    return causes.findLast((cause) => cause !== undefined) ?? 'a damaged one';
  }
}
