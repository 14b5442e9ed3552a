/** webgpu and webgl in a headless Chromium. */
import { build } from 'esbuild';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { chromium, type Browser } from 'playwright-core';
import type { EngineRun } from '../tfjs/engineReport.js';
import type { OnPage } from './page.js';

const EXECUTABLES = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

/** WebGPU needs to be asked for on Linux, and takes SwiftShader only where that is named. */
const WEBGPU = ['--enable-unsafe-webgpu', '--enable-features=Vulkan'];
const SWIFTSHADER = ['--enable-unsafe-webgpu', '--use-webgpu-adapter=swiftshader'];

async function bundle(): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL('page.ts', import.meta.url))],
    bundle: true,
    write: false,
    format: 'iife',
    platform: 'browser',
    logLevel: 'error',
  });
  return outputFiles[0].text;
}

async function onPage(browser: Browser, engine: 'webgpu' | 'webgl', script: string): Promise<OnPage> {
  const page = await browser.newPage();
  page.on('console', (message) => {
    console.error(message.text());
  });
  // WebGPU is for secure contexts: localhost is one, though nobody listens there.
  await page.route('**/*', (route) => route.fulfill({ contentType: 'text/html', body: '<!doctype html>' }));
  await page.goto('http://localhost/');
  await page.addScriptTag({ content: script });
  try {
    return await page.evaluate(
      (name) => (globalThis as unknown as { engines: Record<string, () => Promise<OnPage>> }).engines[name](),
      engine,
    );
  } finally {
    await page.close();
  }
}

/** The first set of flags under which the engine is there. */
async function run(executablePath: string, engine: 'webgpu' | 'webgl', script: string): Promise<EngineRun> {
  const name = `chromium-${engine}`;
  let reason = '';
  for (const flags of engine === 'webgpu' ? [WEBGPU, SWIFTSHADER] : [[]]) {
    // Without a sandbox, for those who run this as root, as containers do.
    const browser = await chromium.launch({ executablePath, args: ['--no-sandbox', ...flags] });
    try {
      const made = await onPage(browser, engine, script);
      if (!('reason' in made)) return { engine: name, status: 'RAN', ...made };
      ({ reason } = made);
    } finally {
      await browser.close();
    }
  }
  return { engine: name, status: 'SKIPPED', reason };
}

export async function chromiumRun(engine: 'webgpu' | 'webgl'): Promise<EngineRun> {
  const executable = process.env['CHROMIUM'] ?? EXECUTABLES.find((path) => existsSync(path));
  if (executable !== undefined) return run(executable, engine, await bundle());
  return {
    engine: `chromium-${engine}`,
    status: 'SKIPPED',
    reason: 'no Chromium: apt-get install chromium, or CHROMIUM=path',
  };
}
