/** Reports in Chromium: axe finds nothing, in light and in dark; nothing is cut at the right, on screen and in print. */
import { beforeAll, describe, expect, test } from '@jest/globals';
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { confusionOf } from '../../src/report/confusion.js';
import { confusionSvg } from '../../src/report/confusionSvg.js';
import { diffHtml } from '../../src/report/diffPage.js';
import { curvesHtml } from '../../src/report/page.js';
import { temporaryFolder } from '../io/temporaryFolder.js';
import { comparisonOf } from './syntheticComparison.js';
import { epochRecord, syntheticRun } from './syntheticRun.js';

const CHROMIUM = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(existsSync);
const AXE = createRequire(import.meta.url).resolve('axe-core/axe.min.js');
const path = temporaryFolder();

const scores = { loss: 1.2345, top1: 0.6543, top5: 0.9876 };
const longRun = Array.from({ length: 12 }, (_, i) =>
  epochRecord(i + 1, { train: scores, validation: scores, ema: scores, images_per_second: 12_345, seconds: 1234.5 }),
);
const config = { dims: [64, 128, 256, 512], lr: 0.003, augment: { randomCrop: { padding: 4 }, horizontalFlip: 0.5 } };

const PAGES: Readonly<Record<string, () => string>> = {
  'one run': () => curvesHtml([{ name: 'run', records: longRun, config }]),
  'two runs': () =>
    curvesHtml([
      { name: 'first', records: syntheticRun(5), config },
      { name: 'second', records: syntheticRun(4), config: { ...config, lr: 0.001 } },
    ]),
  comparison: () =>
    diffHtml(comparisonOf(), { weights: 'net.safetensors', form: 'deploy', input: 'noise', shape: [1, 3, 16, 16] }),
  confusion: () => {
    const title = 'runs/pets-with-a-long-name/best-fusable.safetensors on data/pets, val';
    const svg = confusionSvg(confusionOf([0, 0, 0, 1, 1, 1, 2], [0, 1, 0, 1, 2, 1, 0], ['cat', '狗', 'fox']), {
      title,
    });
    const style = '<style>svg { max-width: 100%; height: auto; }</style>';
    return `<!doctype html><html lang="en"><head><title>confusion</title>${style}</head><body><main><h1>confusion</h1>${svg}</main></body></html>`;
  },
};

interface Finding {
  readonly id: string;
  readonly impact: string;
  readonly nodes: readonly { readonly html: string; readonly failureSummary: string }[];
}

interface Report {
  readonly violations: readonly Finding[];
  readonly dark: boolean;
  /** How far the widest element exceeds the page, in pixels. */
  readonly excess: number;
}

/** Runs axe in the page, and writes what it finds into the page. */
const SCRIPT = `axe.run().then(({ violations }) => {
  const excess = document.documentElement.scrollWidth - document.documentElement.clientWidth;
  const tables = [...document.querySelectorAll('.scroll')].map((box) => box.scrollWidth - box.clientWidth);
  const dark = matchMedia('(prefers-color-scheme: dark)').matches;
  const pre = document.createElement('pre');
  pre.id = 'report';
  pre.textContent = btoa(unescape(encodeURIComponent(JSON.stringify({ violations, dark, excess: Math.max(excess, ...tables) }))));
  document.body.append(pre);
});`;

async function reportOf(name: string, dark: boolean, width: number): Promise<Report> {
  const axe = await readFile(AXE, 'utf8');
  const page = PAGES[name]().replace(
    '</body>',
    `<script>${axe.replaceAll('</script', '<\\/script')}</script><script>${SCRIPT}</script></body>`,
  );
  const file = path(`${name.replace(' ', '-')}-${dark}-${width}.html`);
  await writeFile(file, page);
  const { stdout } = await promisify(execFile)(
    CHROMIUM ?? '',
    [
      ...['--headless', '--no-sandbox', '--disable-gpu', '--hide-scrollbars', `--window-size=${width},1000`],
      ...[`--blink-settings=preferredColorScheme=${dark ? 0 : 1}`, '--virtual-time-budget=20000', '--dump-dom'],
      pathToFileURL(file).href,
    ],
    { maxBuffer: 2 ** 26 },
  );
  const [, report] = /<pre id="report">([^<]*)<\/pre>/.exec(stdout) ?? [];
  return JSON.parse(Buffer.from(report, 'base64').toString()) as Report;
}

const title = CHROMIUM === undefined ? 'reports: no Chromium is installed' : 'reports';
(CHROMIUM === undefined ? describe.skip : describe)(title, () => {
  describe.each(Object.keys(PAGES))('%s', (name) => {
    test.each([
      [320, true],
      [900, false],
      [1400, true],
    ])('axe finds nothing and nothing is cut in %d pixels, dark: %s', async (width, dark) => {
      const report = await reportOf(name, dark, width);
      expect(report.dark).toBe(dark);
      expect(
        report.violations.map(
          ({ id, impact, nodes }) => `${impact} ${id}: ${nodes[0].html} ${nodes[0].failureSummary}`,
        ),
      ).toEqual([]);
      expect(report.excess).toBeLessThanOrEqual(0);
    });
  });

  describe('the check itself', () => {
    let found: readonly Finding[];
    beforeAll(async () => {
      const bad = { ...PAGES };
      bad['gray'] = () =>
        '<!doctype html><html><head></head><body><p style="color:#ccc;background:#fff">gray</p></body></html>';
      Object.assign(PAGES, bad);
      found = (await reportOf('gray', false, 1000)).violations;
    });
    test('finds gray text and a page without a title', () => {
      expect(found.map(({ id }) => id)).toEqual(expect.arrayContaining(['color-contrast', 'document-title']));
    });
  });
});
