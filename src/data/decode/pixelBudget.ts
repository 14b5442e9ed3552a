/** Pixels that are decoded at a time in a thread: 300 MB. Eight photographs of 12 megapixels are less. */
export const MAX_DECODED_PIXELS = 100_000_000;

interface Waiting {
  readonly pixels: number;
  readonly start: () => void;
}

/**
 * Bounds the pixels of images that are decoded at the same time: work that does not fit waits, in the order of the calls.
 * An image of more pixels than the limit is decoded alone.
 */
export class PixelBudget {
  private used = 0;
  private readonly queue: Waiting[] = [];

  constructor(private readonly limit: number) {}

  /** Calls `work` as soon as the pixels of its image fit. */
  async run<T>(pixels: number, work: () => Promise<T>): Promise<T> {
    await new Promise<void>((start) => {
      this.queue.push({ pixels, start });
      this.startNext();
    });
    try {
      return await work();
    } finally {
      this.used -= pixels;
      this.startNext();
    }
  }

  private startNext(): void {
    while (this.queue.length > 0 && this.fits(this.queue[0].pixels)) {
      const [{ pixels, start }] = this.queue.splice(0, 1);
      this.used += pixels;
      start();
    }
  }

  private fits(pixels: number): boolean {
    return this.used === 0 || this.used + pixels <= this.limit;
  }
}
