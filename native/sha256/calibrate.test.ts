import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { temporaryFolder } from '../../runtime/testing/temporary-folder.ts';
import { calibrate } from './calibrate.ts';
import { ENGINE_NAMES } from './engine.ts';
import type { Measured } from './measure.ts';

const rate = { lanes: 1, oneMbps: 400, fullMbps: 400 };
const rates = { openssl: rate, 'hash-wasm': rate, simd4: { ...rate, lanes: 4, fullMbps: 620 } };
const measure = async (): Promise<Measured> => ({ rates, isEnough: true });

describe('what engines do on this machine', () => {
  it('is measured of each', async () => {
    const { rates, from } = await calibrate({ folder: temporaryFolder() });
    expect(from).toBe('measurement');
    expect(Object.keys(rates).sort()).toEqual([...ENGINE_NAMES].sort());
    for (const { oneMbps, fullMbps } of Object.values(rates)) {
      expect(oneMbps).toBeGreaterThan(1);
      expect(fullMbps).toBeGreaterThan(1);
    }
  });

  it('is read from the file the next time, unless it is asked for anew', async () => {
    const folder = join(temporaryFolder(), 'made', 'when-missing');
    expect(await calibrate({ folder, measure })).toEqual({ rates, from: 'measurement' });
    expect(await calibrate({ folder, measure })).toEqual({ rates, from: 'cache' });
    expect((await calibrate({ folder, measure, anew: true })).from).toBe('measurement');
  });

  it('is not kept when the machine was too busy to measure', async () => {
    const folder = temporaryFolder();
    const busy = async (): Promise<Measured> => ({ rates, isEnough: false });
    expect(await calibrate({ folder, measure: busy })).toEqual({ rates, from: 'measurement' });
    expect((await calibrate({ folder, measure })).from).toBe('measurement');
    expect((await calibrate({ folder, measure })).from).toBe('cache');
  });

  it('is measured anew when OpenSSL is told to do without instructions of the CPU', async () => {
    const folder = temporaryFolder();
    await calibrate({ folder, measure });
    vi.stubEnv('OPENSSL_ia32cap', ':~0x20000000');
    expect((await calibrate({ folder, measure })).from).toBe('measurement');
    vi.unstubAllEnvs();
  });

  it.each([
    ['of another machine', (text: string) => text.replace(/"machine":"\w/, '"machine":"other ')],
    ['cut off', (text: string) => text.slice(0, text.length / 2)],
  ])('is measured anew when the file is %s', async (_, broken) => {
    const folder = temporaryFolder();
    await calibrate({ folder, measure });
    const path = join(folder, 'hash-engines.json');
    writeFileSync(path, broken(readFileSync(path, 'utf8')));
    expect((await calibrate({ folder, measure })).from).toBe('measurement');
    expect((await calibrate({ folder, measure })).from).toBe('cache');
  });

  it('is known too where no file can be written', async () => {
    const file = join(temporaryFolder(), 'a-file');
    writeFileSync(file, '');
    expect((await calibrate({ folder: join(file, 'below'), measure })).from).toBe('measurement');
  });
});
