import { describe, expect, it } from 'vitest';
import { ENGINE_NAMES, type EngineName } from '../../native/sha256/engine.ts';
import { run, tempDir } from '../support/programs.ts';

/** As much of what `bench --json` prints as is looked at here. */
interface Report {
  readonly hash: readonly { readonly engine: EngineName; readonly oneStream: number }[];
  readonly lz4: readonly { readonly oneCore: number; readonly allCores: number }[];
  readonly choices: readonly {
    readonly streams: number;
    readonly engine: EngineName;
    readonly expected: Readonly<Record<EngineName, number>>;
  }[];
}

async function bench(args: readonly string[], env: Readonly<Record<string, string>>) {
  using folder = tempDir();
  const cache = { XDG_CACHE_HOME: folder.path };
  const { code, stdout, stderr } = await run('agent', ['bench', ...args], {
    cwd: folder.path,
    env: { ...cache, ...env },
  });
  expect([code, stderr]).toEqual([0, '']);
  return stdout;
}

describe('windrow-agent bench', () => {
  it('measures all, and what is chosen follows the measured figures, without SHA-NI too', async () => {
    const env = { OPENSSL_ia32cap: ':~0x20000000' };
    const report = JSON.parse(await bench(['--json'], env)) as Report;
    expect(report.hash.map(({ engine }) => engine)).toEqual(ENGINE_NAMES);
    expect(report.hash.every(({ oneStream }) => oneStream > 1)).toBe(true);
    expect(report.lz4).toHaveLength(4);
    expect(report.lz4.every(({ oneCore, allCores }) => oneCore > 1 && allCores > 1)).toBe(true);
    expect(report.choices.map(({ streams }) => streams).slice(0, 2)).toEqual([1, 4]);
    for (const { engine, expected } of report.choices) {
      expect(expected[engine]).toBe(Math.max(...Object.values(expected)));
    }
  });

  it('says on a terminal’s lines what was chosen and by which figures', async () => {
    const text = await bench([], {});
    expect(text).toMatch(/^ {2}1 stream on 1 thread: \S+, \d+ MB\/s \(.+ \d+, .+ \d+\)$/m);
    expect(text).toMatch(/^ {2}4 streams on 1 thread: /m);
    expect(text).toMatch(/^ {2}decompress random( +\d+){2}$/m);
  });
});
