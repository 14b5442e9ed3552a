import { expect, test } from '@jest/globals';
import { resultsCsv } from '../../src/report/resultsCsv.js';
import { epochRecord, stepRecord } from './syntheticRun.js';

const scores = (loss: number) => ({ loss, top1: loss / 8, top5: loss / 4 });
const shared = { lambda: 0.5, lr: 1e-7, images_per_second: 6930.5, idle: 0.25 };

test('a row for each epoch, with the seconds of training until its end', () => {
  const records = [
    stepRecord(1, 4),
    epochRecord(1, { train: scores(2), validation: scores(4), seconds: 1.5, ...shared }),
    stepRecord(2, 4),
    epochRecord(2, { train: scores(1), validation: scores(NaN), seconds: 2, ...shared, lambda: 1 }),
  ];
  expect(resultsCsv(records)).toBe(
    'epoch,time,train/loss,train/top1,train/top5,val/loss,val/top1,val/top5,lambda,lr,images_per_second,idle\n' +
      '1,1.5,2,0.25,0.5,4,0.5,1,0.5,1e-7,6930.5,0.25\n' +
      '2,3.5,1,0.125,0.25,NaN,NaN,NaN,1,1e-7,6930.5,0.25\n',
  );
});

test('columns of averaged weights in every row if one has them, and none of a validation that no epoch has', () => {
  const { validation: _, ...first } = epochRecord(1, { train: scores(2), seconds: 1, ...shared });
  const { validation: __, ...second } = epochRecord(2, { train: scores(2), seconds: 1, ...shared, ema: scores(4) });
  expect(resultsCsv([first, second])).toBe(
    'epoch,time,train/loss,train/top1,train/top5,ema/loss,ema/top1,ema/top5,lambda,lr,images_per_second,idle\n' +
      '1,1,2,0.25,0.5,NaN,NaN,NaN,0.5,1e-7,6930.5,0.25\n' +
      '2,2,2,0.25,0.5,4,0.5,1,0.5,1e-7,6930.5,0.25\n',
  );
});

test('a header alone before the first epoch', () => {
  expect(resultsCsv([stepRecord(1, 1)])).toBe(
    'epoch,time,train/loss,train/top1,train/top5,lambda,lr,images_per_second,idle\n',
  );
});
