import type { RandomAccess } from '../../src/formats/foreignFile.js';
import { Hdf5Thread } from '../../src/formats/hdf5/hdf5Thread.js';
import type { Threads } from '../../src/formats/hdf5/openHdf5.js';

/** A thread for many files, one after the other: to start one takes longer than to read a small file. */
export class SharedThread implements Threads {
  #thread: Hdf5Thread | null = null;

  async take(file: RandomAccess): Promise<Hdf5Thread> {
    const thread = this.#thread ?? (await Hdf5Thread.start(file));
    this.#thread = null;
    return thread;
  }

  async give(thread: Hdf5Thread): Promise<void> {
    if (this.#thread === null && !thread.isStopped) this.#thread = thread;
    else await thread.stop();
  }

  async stop(): Promise<void> {
    await this.#thread?.stop();
    this.#thread = null;
  }
}
