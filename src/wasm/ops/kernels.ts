import type { ModuleExports, ModuleKind } from '../module.js';

/**
 * The exports of assembly/ops/index.ts. Outputs, inputs and scratch are byte addresses on multiples of 16 (0 for no
 * bias), the rest are sizes and scalars; `…Scratch` returns bytes. The module does not check its arguments.
 */
export interface OpsExports extends ModuleExports {
  conv2dScratch(
    c: number,
    h: number,
    w: number,
    k: number,
    kh: number,
    kw: number,
    stride: number,
    padding: number,
  ): number;
  conv2d(
    y: number,
    x: number,
    weight: number,
    bias: number,
    scratch: number,
    c: number,
    h: number,
    w: number,
    k: number,
    kh: number,
    kw: number,
    stride: number,
    padding: number,
  ): void;
  depthwiseConv2dScratch(h: number, w: number, kh: number, kw: number, stride: number, padding: number): number;
  depthwiseConv2d(
    y: number,
    x: number,
    weight: number,
    bias: number,
    scratch: number,
    c: number,
    h: number,
    w: number,
    kh: number,
    kw: number,
    stride: number,
    padding: number,
  ): void;
  leakyRelu(y: number, x: number, size: number, lambda: number): void;
  maxPool2d(y: number, x: number, c: number, h: number, w: number, kernelSize: number, stride: number): void;
  adaptiveMaxPool2d(y: number, x: number, c: number, h: number, w: number, oh: number, ow: number): void;
  globalAvgPool(y: number, x: number, c: number, h: number, w: number): void;
}

export const OPS: ModuleKind<OpsExports> = {
  name: 'ops',
  functions: [
    'heapBase',
    'isRelaxed',
    'conv2dScratch',
    'conv2d',
    'depthwiseConv2dScratch',
    'depthwiseConv2d',
    'leakyRelu',
    'maxPool2d',
    'adaptiveMaxPool2d',
    'globalAvgPool',
  ],
};
