import { expect, test } from '@jest/globals';
import { nextSteps } from '../../src/cli/nextSteps.js';
import { shellWord } from '../../src/cli/print.js';
import { posixTest } from '../platform.js';

const run = {
  folder: 'runs/a',
  form: 'train',
  hasBestFusable: true,
  spec: 'cifar10',
  valSplit: null,
  seed: 3,
} as const;

posixTest('sh')('a deep network is fused before it is evaluated', () => {
  expect(nextSteps(run)).toEqual([
    'vanillanet plot runs/a',
    'vanillanet fuse runs/a/best-fusable.safetensors runs/a/deploy.safetensors',
    'vanillanet eval --weights runs/a/deploy.safetensors --data cifar10',
  ]);
});

posixTest('sh')('a network that was fused in training is evaluated as it is', () => {
  expect(nextSteps({ ...run, form: 'deploy', hasBestFusable: false })).toEqual([
    'vanillanet plot runs/a',
    'vanillanet eval --weights runs/a/last.safetensors --data cifar10',
  ]);
});

posixTest('sh')('held-out images are chosen as in training, and paths are quoted', () => {
  expect(nextSteps({ ...run, folder: 'my runs', spec: "cat's", valSplit: 0.1 }).slice(1)).toEqual([
    "vanillanet fuse 'my runs/best-fusable.safetensors' 'my runs/deploy.safetensors'",
    "vanillanet eval --weights 'my runs/deploy.safetensors' --data 'cat'\\''s' --val-split 0.1 --seed 3",
  ]);
});

posixTest('sh')('paths that begin with a hyphen are no options', () => {
  expect(nextSteps({ ...run, folder: './-a', spec: '-b' })).toEqual([
    'vanillanet plot ./-a',
    'vanillanet fuse ./-a/best-fusable.safetensors ./-a/deploy.safetensors',
    'vanillanet eval --weights ./-a/deploy.safetensors --data ./-b',
  ]);
});

test.each([
  ['runs/x-1_2.json', 'runs/x-1_2.json'],
  ['a b', "'a b'"],
  ['$HOME', "'$HOME'"],
  ["it's", "'it'\\''s'"],
  ['', "''"],
])('the word %j is %s in a shell', (word, text) => {
  expect(shellWord(word)).toBe(text);
});
