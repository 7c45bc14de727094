/** What is given away in the executables is given with its licence. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { bundle } from '../../scripts/build/bundle.ts';
import { PROGRAMS } from '../../scripts/build/targets.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '');
/** As Node's own licence names them. */
const NODE_PARTS = ['deps/v8', 'deps/openssl', 'deps/uv', 'deps/icu-small'];
const text = readFileSync(join(ROOT, 'dist/LICENSES.txt'), 'utf8');

interface About {
  readonly name: string;
  readonly version: string;
  readonly dependencies: Readonly<Record<string, string>>;
}

function aboutOf(folder: string): About {
  return JSON.parse(readFileSync(join(ROOT, folder, 'package.json'), 'utf8')) as About;
}

/** What stands under a package's heading. */
function licenceOf(name: string, version: string): string {
  const [, section = ''] = text.split(`\n## ${name} ${version} (`);
  return section.slice(section.indexOf('\n'), section.search(/\n##? /)).trim();
}

it.each(PROGRAMS)('$name: each package of which something is inside is there', async (program) => {
  const { packages } = await bundle(ROOT, program);
  expect(packages.size).toBeGreaterThan(30);
  for (const folder of packages) {
    const { name, version } = aboutOf(folder);
    expect(licenceOf(name, version), `${name} ${version}`).not.toBe('');
  }
});

it('so is what package.json names, windrow itself, Node with its parts, and the page', () => {
  for (const [name, version] of Object.entries(aboutOf('.').dependencies)) {
    expect(licenceOf(name, version), name).toMatch(/permission|permitted|licen[cs]e/i);
  }
  expect(text).toContain(readFileSync(join(ROOT, 'LICENSE'), 'utf8').trim());
  for (const part of [`# Node.js ${process.version}`, ...NODE_PARTS]) {
    expect(text).toContain(part);
  }
  for (const name of ['preact', 'uplot']) expect(text).toMatch(new RegExp(`^## ${name} - `, 'm'));
});
