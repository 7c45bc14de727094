import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { loadReport, reportNames } from './load.ts';

async function folderOf(files: Readonly<Record<string, string>>): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'windrow-reports-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
  return folder;
}

const good = `
columns:
  - { header: cpu, metric: cpu_pct, aggregate: avg, decimals: 2 }
labels:
  - { label: high, when: [{ column: cpu, at_least: 80 }] }
warm_up: keep
`;

describe('loadReport', () => {
  it('reads what is shipped', async () => {
    const folder = join(import.meta.dirname, '../../config/reports');
    expect(await reportNames(folder)).toEqual(['cpu-mem', 'net-disk']);
    for (const name of await reportNames(folder)) {
      expect((await loadReport(folder, name)).columns).toHaveLength(6);
    }
  });

  it('says which reports there are when there is none of that name', async () => {
    const folder = await folderOf({ 'b.yaml': good, 'a.yaml': good, 'notes.txt': '' });
    for (const name of ['c', '../a', 'a.yaml', '']) {
      await expect(loadReport(folder, name)).rejects.toMatchObject({
        code: 'usage',
        message: `there is no report ${name}`,
        hint: 'the reports are a, b',
      });
    }
  });

  it.each([
    [good.replace('cpu_pct', 'cpu'), 'columns[0].metric: '],
    [good.replace('decimals: 2', 'decimals: -1'), 'columns[0].decimals: '],
    [
      good.replace('column: cpu', 'column: mem'),
      'labels[0].when[0].column: no column of a metric is named mem',
    ],
    [good.replace('warm_up', 'warmup'), 'warm_up'],
    [
      good.replace('labels:', '  - { header: cpu, from: server_id }\nlabels:'),
      'columns[1].header: cpu is there twice',
    ],
    ['columns: [', 'r.yaml line 1: '],
    ['', 'the file'],
  ])('names file and key of what is wrong (%#)', async (text, key) => {
    const folder = await folderOf({ 'r.yaml': text });
    await expect(loadReport(folder, 'r')).rejects.toMatchObject({
      code: 'config',
      message: expect.stringContaining(key),
    });
    await expect(loadReport(folder, 'r')).rejects.toThrow(join(folder, 'r.yaml'));
  });

  it('says that the folder is not there', async () => {
    await expect(reportNames('/nowhere')).rejects.toMatchObject({
      code: 'config',
      message: expect.stringContaining('reports /nowhere: ENOENT'),
    });
  });
});
