/** Files that PyTorch and PaddlePaddle have written are read with the values that they had in Python, bit for bit. */
import { describe } from '@jest/globals';
import { fixture, judgePaddle, judgeTorch } from './judgeFiles.js';

describe('PyTorch', () => {
  judgeTorch(() => fixture('torch'));
});

describe('PaddlePaddle', () => {
  judgePaddle(() => fixture('paddle'));
});
