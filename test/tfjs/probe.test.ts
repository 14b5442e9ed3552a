/** Engines that do not answer when they are asked what they are: each is absent, with a reason, and nothing waits for it. */
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { execFile } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { EngineState } from '../../src/tfjs/node/engines.js';
import { probe } from '../../src/tfjs/node/probe.js';
import { temporaryFolder } from '../io/temporaryFolder.js';

const path = temporaryFolder();
const before = process.env['VANILLANET_ENGINES'];

beforeEach(() => {
  process.env['VANILLANET_ENGINES'] = path();
});
afterEach(() => {
  delete process.env['TOO_LONG'];
  if (before === undefined) delete process.env['VANILLANET_ENGINES'];
  else process.env['VANILLANET_ENGINES'] = before;
});

/** tfjs-node, as a package of one file. */
async function install(code: string): Promise<void> {
  const where = path('node_modules/@tensorflow/tfjs-node');
  await mkdir(where, { recursive: true });
  await writeFile(`${where}/package.json`, JSON.stringify({ name: '@tensorflow/tfjs-node', version: '1.0.0' }));
  await writeFile(`${where}/index.js`, code);
}

const installed = '@tensorflow/tfjs-node is installed, but does not load: ';
const isAbsent = (reason: string | RegExp): unknown =>
  expect.objectContaining({
    engine: 'tfjs-node',
    available: false,
    reason: expect.stringMatching(reason),
    remedy: expect.stringContaining('npm install @tensorflow/tfjs-node'),
  });

const isRunning = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

test('one that hangs is ended', async () => {
  const pid = JSON.stringify(path('pid'));
  await install(
    `console.error('opening /dev/gpu'); require('fs').writeFileSync(${pid}, String(process.pid)); while (true);`,
  );
  // On a busy machine, a process may need seconds to start: then again, with more time.
  let hung = 0;
  for (let seconds = 2; hung === 0; seconds *= 3) {
    const state = await probe('tfjs-node', 1000 * seconds);
    hung = Number(await readFile(path('pid'), 'utf8').catch(() => 0));
    if (hung > 0) {
      const reason = `its process says nothing within ${seconds} s, and was ended: opening /dev/gpu`;
      expect(state).toEqual(isAbsent(`^${installed}${reason}$`));
    }
  }
  while (isRunning(hung)) await sleep(10);
});

test.each([
  ['its last line', "process.stderr.write('loading\\nno kernel image\\n\\n');", 'SIGKILL: no kernel image'],
  [
    'the end of what is very long',
    "process.stderr.write('x'.repeat(1e6) + '\\nout of memory');",
    'SIGKILL: out of memory',
  ],
  ['nothing', '', 'SIGKILL'],
])('one that dies, and has said %s', async (_, says, reason) => {
  await install(`${says} setTimeout(() => process.kill(process.pid, 'SIGKILL'), 200); module.exports = new Promise(() => {});
    module.exports.setBackend = () => module.exports;`);
  expect(await probe('tfjs-node')).toEqual(isAbsent(`^${installed}its process ends with ${reason}$`));
});

test('one that throws later, by what was thrown and not by where', async () => {
  await install(
    `setTimeout(() => { throw new Error('lost the device'); }, 50); module.exports = { setBackend: () => new Promise(() => {}) };`,
  );
  expect(await probe('tfjs-node')).toEqual(
    isAbsent(`^${installed}its process ends with exit status 1: Error: lost the device$`),
  );
});

test('one that hangs when it is to end has said what it is, and keeps no process', async () => {
  await install(`process.on('exit', () => { for (;;); }); throw new Error('no device');`);
  const stateWithin = async (ms: number): Promise<EngineState> => {
    const program = `
      const { probe } = await import('./dist/src/tfjs/node/probe.js');
      console.log(JSON.stringify(await probe('tfjs-node', ${ms})));`;
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', program], {
      env: process.env,
    });
    return JSON.parse(stdout) as EngineState;
  };
  let state = await stateWithin(5000);
  // On a busy machine it may not even have started by then.
  if (JSON.stringify(state).includes('says nothing')) state = await stateWithin(60_000);
  expect(state).toEqual(isAbsent(`^${installed}no device$`));
});

test('a process that cannot be started', async () => {
  await install('');
  process.env['TOO_LONG'] = 'x'.repeat(2 ** 20);
  expect(await probe('tfjs-node')).toEqual(isAbsent(`^${installed}spawn E2BIG$`));
});

test('nor be found', async () => {
  await install('');
  const program = `
    process.execPath = '/nowhere/node';
    const { listEngines } = await import('./dist/src/tfjs/node/engines.js');
    console.log(JSON.stringify(await listEngines()));`;
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', program], {
    env: process.env,
  });
  const state = (JSON.parse(stdout) as EngineState[]).find(({ engine }) => engine === 'tfjs-node');
  expect(state).toEqual(isAbsent(`^${installed}spawn /nowhere/node ENOENT$`));
});
