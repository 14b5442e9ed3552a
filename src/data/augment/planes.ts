/** An image of bytes in the layout of data sets, [channels, height, width]. */
export interface Planes {
  readonly data: Uint8Array;
  readonly channels: number;
  readonly height: number;
  readonly width: number;
}

/** A new image of zeros, with the channels of another. */
export const emptyPlanes = ({ channels }: Planes, height: number, width: number): Planes => ({
  data: new Uint8Array(channels * height * width),
  channels,
  height,
  width,
});
