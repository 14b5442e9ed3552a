import { Region } from '../shared/team';
import { accumulate } from './accumulate';
import { adam } from './adam';
import { bceWithLogits } from './bceWithLogits';
import { batchNorm, batchNormBackward, batchNormEval } from './batchNorm';
import { clip, squareGradients } from './clip';
import { multiplyDy, multiplyX, multiplyXDy, packDy, packX, turnWeight } from './conv2d';
import { depthwiseConv2d, depthwiseConv2dBackward, depthwiseConv2dWeight } from './depthwiseConv2d';
import { dropout } from './dropout';
import { ema, exchange } from './ema';
import { globalAvgPool, globalAvgPoolBackward, globalAvgPoolEval } from './globalAvgPool';
import { lambMoments, lambMove } from './lamb';
import { maxPool2d, maxPool2dBackward } from './maxPool2d';
import { sgd } from './sgd';
import { softmaxCrossEntropy } from './softmaxCrossEntropy';
import { windows } from './windows';

/** Values of `Region.kind`, in the order of KINDS in src/wasm/training/fields.ts. */
const WINDOWS: i32 = 0;
const PACK_X: i32 = 1;
const PACK_DY: i32 = 2;
const MULTIPLY_X: i32 = 3;
const MULTIPLY_DY: i32 = 4;
const MULTIPLY_X_DY: i32 = 5;
const TURN_WEIGHT: i32 = 6;
const BATCH_NORM: i32 = 7;
const BATCH_NORM_EVAL: i32 = 8;
const BATCH_NORM_BACKWARD: i32 = 9;
const MAX_POOL: i32 = 10;
const MAX_POOL_BACKWARD: i32 = 11;
const DEPTHWISE: i32 = 12;
const DEPTHWISE_BACKWARD: i32 = 13;
const DEPTHWISE_WEIGHT: i32 = 14;
const AVG_POOL: i32 = 15;
const AVG_POOL_EVAL: i32 = 16;
const AVG_POOL_BACKWARD: i32 = 17;
const DROPOUT: i32 = 18;
const CROSS_ENTROPY: i32 = 19;
const ADAM: i32 = 20;
const SGD: i32 = 21;
const SQUARE_GRADIENTS: i32 = 22;
const CLIP: i32 = 23;
const LAMB_MOMENTS: i32 = 24;
const LAMB_MOVE: i32 = 25;
const EMA: i32 = 26;
const EXCHANGE: i32 = 27;
const BCE: i32 = 28;
const ACCUMULATE: i32 = 29;

/** Runs panels `from` to `to` of the region at `address`, as ../region.ts does. */
export function runRegion(address: usize, scratch: usize, from: i32, to: i32): void {
  const region = changetype<Region>(address);
  assert(0 <= from && from <= to && to <= region.panels, 'runRegion: panels must be those of the region');
  const operands = region.operands;
  switch (region.kind) {
    case WINDOWS:
      windows(operands, from, to);
      break;
    case PACK_X:
      packX(operands, from, to);
      break;
    case PACK_DY:
      packDy(operands, from, to);
      break;
    case MULTIPLY_X:
      multiplyX(operands, from, to);
      break;
    case MULTIPLY_DY:
      multiplyDy(operands, from, to);
      break;
    case MULTIPLY_X_DY:
      multiplyXDy(operands, from, to);
      break;
    case TURN_WEIGHT:
      turnWeight(operands, from, to);
      break;
    case BATCH_NORM:
      batchNorm(operands, from, to);
      break;
    case BATCH_NORM_EVAL:
      batchNormEval(operands, from, to);
      break;
    case BATCH_NORM_BACKWARD:
      batchNormBackward(operands, from, to);
      break;
    case MAX_POOL:
      maxPool2d(operands, from, to);
      break;
    case MAX_POOL_BACKWARD:
      maxPool2dBackward(operands, from, to);
      break;
    case DEPTHWISE:
      depthwiseConv2d(operands, scratch, from, to);
      break;
    case DEPTHWISE_BACKWARD:
      depthwiseConv2dBackward(operands, scratch, from, to);
      break;
    case DEPTHWISE_WEIGHT:
      depthwiseConv2dWeight(operands, scratch, from, to);
      break;
    case AVG_POOL:
      globalAvgPool(operands, from, to);
      break;
    case AVG_POOL_EVAL:
      globalAvgPoolEval(operands, from, to);
      break;
    case AVG_POOL_BACKWARD:
      globalAvgPoolBackward(operands, from, to);
      break;
    case DROPOUT:
      dropout(operands, from, to);
      break;
    case CROSS_ENTROPY:
      softmaxCrossEntropy(operands, from, to);
      break;
    case ADAM:
      adam(operands, from, to);
      break;
    case SGD:
      sgd(operands, from, to);
      break;
    case SQUARE_GRADIENTS:
      squareGradients(operands, from, to);
      break;
    case CLIP:
      clip(operands);
      break;
    case LAMB_MOMENTS:
      lambMoments(operands, from, to);
      break;
    case LAMB_MOVE:
      lambMove(operands, from, to);
      break;
    case EMA:
      ema(operands, from, to);
      break;
    case EXCHANGE:
      exchange(operands, from, to);
      break;
    case BCE:
      bceWithLogits(operands, from, to);
      break;
    case ACCUMULATE:
      accumulate(operands, from, to);
      break;
    default:
      assert(false, 'runRegion: a kind of its own');
  }
}
