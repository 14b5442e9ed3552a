/** Engines that hang, crash or fail when they are probed: each is reported as unavailable, with a reason, in time. */
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { execFile } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { EngineState } from '../../src/tfjs/node/engines.js';
import { probe } from '../../src/tfjs/node/probe.js';
import { temporaryFolder } from '../io/temporaryFolder.js';
import { posixTest } from '../platform.js';

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

/** Installs a stub of tfjs-node, a package of one file. */
async function install(code: string): Promise<void> {
  const where = path('node_modules/@tensorflow/tfjs-node');
  await mkdir(where, { recursive: true });
  await writeFile(`${where}/package.json`, JSON.stringify({ name: '@tensorflow/tfjs-node', version: '1.0.0' }));
  await writeFile(`${where}/index.js`, code);
}

const installed = '@tensorflow/tfjs-node is installed, but does not load: ';
const isUnavailable = (reason: string | RegExp): unknown =>
  expect.objectContaining({
    engine: 'tfjs-node',
    available: false,
    reason: expect.stringMatching(reason),
    hint: expect.stringContaining('npm install @tensorflow/tfjs-node'),
  });

const isRunning = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

test('an engine that hangs is killed', async () => {
  const pid = JSON.stringify(path('pid'));
  await install(
    `console.error('opening /dev/gpu'); require('fs').writeFileSync(${pid}, String(process.pid)); while (true);`,
  );
  // On a busy machine a process may need seconds to start. Tries again with more time.
  let child = 0;
  for (let seconds = 2; child === 0; seconds *= 3) {
    const state = await probe('tfjs-node', 1000 * seconds);
    child = Number(await readFile(path('pid'), 'utf8').catch(() => 0));
    if (child > 0) {
      const reason = `its process did not answer within ${seconds} s and was killed: opening /dev/gpu`;
      expect(state).toEqual(isUnavailable(`^${installed}${reason}$`));
    }
  }
  while (isRunning(child)) await sleep(10);
});

/** How a process that kills itself has ended: Windows tells only its exit status. */
const KILLED = process.platform === 'win32' ? 'exit status 1' : 'SIGKILL';

test.each([
  [
    'the last line of its stderr',
    "process.stderr.write('loading\\nno kernel image\\n\\n');",
    `${KILLED}: no kernel image`,
  ],
  [
    'the end of a long stderr',
    "process.stderr.write('x'.repeat(1e6) + '\\nout of memory');",
    `${KILLED}: out of memory`,
  ],
  ['how it ended', '', KILLED],
])('an engine that crashes is reported with %s', async (_, print, reason) => {
  await install(`${print} setTimeout(() => process.kill(process.pid, 'SIGKILL'), 200); module.exports = new Promise(() => {});
    module.exports.setBackend = () => module.exports;`);
  expect(await probe('tfjs-node')).toEqual(isUnavailable(`^${installed}its process ended with ${reason}$`));
});

test('an error that is thrown later is reported without its stack', async () => {
  await install(
    `setTimeout(() => { throw new Error('lost the device'); }, 50); module.exports = { setBackend: () => new Promise(() => {}) };`,
  );
  expect(await probe('tfjs-node')).toEqual(
    isUnavailable(`^${installed}its process ended with exit status 1: Error: lost the device$`),
  );
});

test('an engine that hangs at exit is reported with its answer, and does not keep the parent alive', async () => {
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
  let state = await stateWithin(2500);
  // On a busy machine the child may not have started by then.
  if (JSON.stringify(state).includes('did not answer')) state = await stateWithin(60_000);
  expect(state).toEqual(isUnavailable(`^${installed}no device$`));
});

posixTest('argument limits')('a child process that cannot be started is reported', async () => {
  await install('');
  process.env['TOO_LONG'] = 'x'.repeat(2 ** 20);
  expect(await probe('tfjs-node')).toEqual(isUnavailable(`^${installed}spawn E2BIG$`));
});

test('an executable of Node that does not exist is reported', async () => {
  await install('');
  const program = `
    process.execPath = '/nowhere/node';
    const { listEngines } = await import('./dist/src/tfjs/node/engines.js');
    console.log(JSON.stringify(await listEngines()));`;
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', program], {
    env: process.env,
  });
  const state = (JSON.parse(stdout) as EngineState[]).find(({ engine }) => engine === 'tfjs-node');
  expect(state).toEqual(isUnavailable(`^${installed}spawn /nowhere/node ENOENT$`));
});
