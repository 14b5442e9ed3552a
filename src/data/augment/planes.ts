/** An image of bytes in planes, [channels, height, width], as data sets keep them. */
export interface Planes {
  readonly data: Uint8Array;
  readonly channels: number;
  readonly height: number;
  readonly width: number;
}

/** Another image of the same channels, all zeros. */
export const emptyPlanes = ({ channels }: Planes, height: number, width: number): Planes => ({
  data: new Uint8Array(channels * height * width),
  channels,
  height,
  width,
});
