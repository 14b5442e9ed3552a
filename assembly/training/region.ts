import { Region } from '../shared/team';
import { accumulate } from './accumulate';
import { adam } from './adam';
import { bceWithLogits } from './bceWithLogits';
import { batchNorm, batchNormBackward, batchNormEval, batchNormEvalBackward } from './batchNorm';
import { clip, squareGradients } from './clip';
import { multiplyDy, multiplyX, multiplyXDy, packDy, packX, transposeWeight } from './conv2d';
import { depthwiseConv2d, depthwiseConv2dBackward, depthwiseConv2dWeight } from './depthwiseConv2d';
import { dropout } from './dropout';
import { ema, exchange } from './ema';
import { globalAvgPool, globalAvgPoolBackward, globalAvgPoolEval } from './globalAvgPool';
import { lambMoments, lambMove } from './lamb';
import { maxPool2d, maxPool2dBackward } from './maxPool2d';
import { sgd } from './sgd';
import { softmaxCrossEntropy } from './softmaxCrossEntropy';
import { windows } from './windows';

/** Values of `Region.kind`; `Region.operands` points at the class in the file of the function. */
export const enum RegionKind {
  windows,
  packX,
  packDy,
  multiplyX,
  multiplyDy,
  multiplyXDy,
  transposeWeight,
  batchNorm,
  batchNormEval,
  batchNormBackward,
  maxPool,
  maxPoolBackward,
  depthwise,
  depthwiseBackward,
  depthwiseWeight,
  avgPool,
  avgPoolEval,
  avgPoolBackward,
  dropout,
  crossEntropy,
  adam,
  sgd,
  squareGradients,
  clip,
  lambMoments,
  lambMove,
  ema,
  exchange,
  bce,
  accumulate,
  batchNormEvalBackward,
}

/** Runs panels `from` to `to` (exclusive) of the region at `address`, as ../inference/region.ts does. */
export function runRegion(address: usize, scratch: usize, from: i32, to: i32): void {
  const region = changetype<Region>(address);
  assert(0 <= from && from <= to && to <= region.panels, 'runRegion: panels must be those of the region');
  const operands = region.operands;
  switch (region.kind) {
    case RegionKind.windows:
      windows(operands, from, to);
      break;
    case RegionKind.packX:
      packX(operands, from, to);
      break;
    case RegionKind.packDy:
      packDy(operands, from, to);
      break;
    case RegionKind.multiplyX:
      multiplyX(operands, from, to);
      break;
    case RegionKind.multiplyDy:
      multiplyDy(operands, from, to);
      break;
    case RegionKind.multiplyXDy:
      multiplyXDy(operands, from, to);
      break;
    case RegionKind.transposeWeight:
      transposeWeight(operands, from, to);
      break;
    case RegionKind.batchNorm:
      batchNorm(operands, from, to);
      break;
    case RegionKind.batchNormEval:
      batchNormEval(operands, from, to);
      break;
    case RegionKind.batchNormBackward:
      batchNormBackward(operands, from, to);
      break;
    case RegionKind.maxPool:
      maxPool2d(operands, from, to);
      break;
    case RegionKind.maxPoolBackward:
      maxPool2dBackward(operands, from, to);
      break;
    case RegionKind.depthwise:
      depthwiseConv2d(operands, scratch, from, to);
      break;
    case RegionKind.depthwiseBackward:
      depthwiseConv2dBackward(operands, scratch, from, to);
      break;
    case RegionKind.depthwiseWeight:
      depthwiseConv2dWeight(operands, scratch, from, to);
      break;
    case RegionKind.avgPool:
      globalAvgPool(operands, from, to);
      break;
    case RegionKind.avgPoolEval:
      globalAvgPoolEval(operands, from, to);
      break;
    case RegionKind.avgPoolBackward:
      globalAvgPoolBackward(operands, from, to);
      break;
    case RegionKind.dropout:
      dropout(operands, from, to);
      break;
    case RegionKind.crossEntropy:
      softmaxCrossEntropy(operands, from, to);
      break;
    case RegionKind.adam:
      adam(operands, from, to);
      break;
    case RegionKind.sgd:
      sgd(operands, from, to);
      break;
    case RegionKind.squareGradients:
      squareGradients(operands, from, to);
      break;
    case RegionKind.clip:
      clip(operands);
      break;
    case RegionKind.lambMoments:
      lambMoments(operands, from, to);
      break;
    case RegionKind.lambMove:
      lambMove(operands, from, to);
      break;
    case RegionKind.ema:
      ema(operands, from, to);
      break;
    case RegionKind.exchange:
      exchange(operands, from, to);
      break;
    case RegionKind.bce:
      bceWithLogits(operands, from, to);
      break;
    case RegionKind.accumulate:
      accumulate(operands, from, to);
      break;
    case RegionKind.batchNormEvalBackward:
      batchNormEvalBackward(operands, from, to);
      break;
    default:
      assert(false, 'runRegion: unknown kind');
  }
}
