import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type CsvRow, type MalformedRow, readSeedACsv, scanSeedACsv } from './seed-a-csv.ts';

const options = { firstDayMs: Date.UTC(2026, 10, 20) };
const header = 'ts,server_id,cpu_pct,mem_pct';

async function fileOf(content: string | Uint8Array): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'windrow-csv-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const path = join(folder, 'metrics.csv');
  await writeFile(path, content);
  return path;
}

async function rowsOf(content: string | Uint8Array): Promise<(CsvRow | MalformedRow)[]> {
  return Array.fromAsync(readSeedACsv(await fileOf(content), options));
}

describe('readSeedACsv', () => {
  it('reads columns in any order, ignores others, and takes an empty cell for no value', async () => {
    const rows = await rowsOf(
      'disk_io,x,mem_pct,server_id,cpu_pct,timestamp\n1.5,?,,pc 1,80.07,20:52:00\n,?,2,"pc,2",3,1763632800\n',
    );
    expect(rows).toEqual([
      {
        line: 2,
        tsMs: options.firstDayMs + (20 * 60 + 52) * 60_000,
        isFromFirstDay: true,
        serverId: 'pc 1',
        values: [80.07, NaN, NaN, NaN, 1.5, NaN],
      },
      {
        line: 3,
        tsMs: 1_763_632_800_000,
        isFromFirstDay: false,
        serverId: 'pc,2',
        values: [3, 2, NaN, NaN, NaN, NaN],
      },
    ]);
  });

  it('reads a file with BOM, CRLF, cells padded by blanks and no final newline', async () => {
    const rows = await rowsOf(`\uFEFF${header.replace(',', ' , ')}\r\n20:52:00 , a , 1 ,2`);
    expect(rows).toMatchObject([{ line: 2, serverId: 'a', values: [1, 2, NaN, NaN, NaN, NaN] }]);
  });

  it.each([
    ['20:52:00,a,1', 'has 3 fields, the header 4'],
    ['20:52:00,a,1,2,3', 'has 5 fields, the header 4'],
    ['20:52:00;a;1,5', 'has 2 fields, the header 4'],
    ['20:52:00;a;1;2', 'is separated by semicolons, the header by commas'],
    ['20:52:00\ta\t1\t2', 'is separated by tabs, the header by commas'],
    ['25:00:00,a,1,2', 'not a time: 25:00:00'],
    ['\u001B[2J,a,1,2', 'not a time: \uFFFD[2J'],
    [`${'9'.repeat(61)},a,1,2`, `not a time: ${'9'.repeat(60)}…`],
    [`20:52:00,a,${'x'.repeat(61)},2`, `cpu_pct is no number: ${'x'.repeat(60)}…`],
    ['20:52:00,,1,2', 'server_id is empty, too long or not visible text'],
    ['20:52:00,a\u202Eb,1,2', 'server_id is empty, too long or not visible text'],
    ['20:52:00,a,N/A,2', 'cpu_pct is no number: N/A'],
    ['20:52:00,a,1,0x10', 'mem_pct is no number: 0x10'],
    ['20:52:00,a,1,Infinity', 'mem_pct is no number: Infinity'],
    ['20:52:00,a,1,1e19', 'mem_pct is no number: 1e19'],
    ['20:52:00,"a"b,1,2', 'has text after a quoted field'],
  ])('reports the row %s and goes on', async (bad, reason) => {
    const rows = await rowsOf(`${header}\n${bad}\n20:52:01,b,1e1,-.5\n`);
    expect(rows).toMatchObject([
      { line: 2, malformed: reason, text: bad },
      { line: 3, serverId: 'b', values: [10, -0.5, NaN, NaN, NaN, NaN] },
    ]);
  });

  it.each([
    ['', 'is empty'],
    ['ts,server_id,cpu_pct\n', 'column mem_pct is missing'],
    ['time,server_id,cpu_pct,mem_pct\n', 'column ts or timestamp is missing'],
    [`${header},mem_pct\n`, 'column mem_pct is there twice'],
    [`${header.replaceAll(',', ';')}\n`, 'is separated by semicolons'],
    [`${header.replaceAll(',', '\t')}\n`, 'is separated by tabs'],
    ['"ts,server_id\n', 'the header a quoted field is not closed'],
  ])('refuses a file that begins %j, naming file and column', async (content, message) => {
    const path = await fileOf(content);
    const reading = Array.fromAsync(readSeedACsv(path, options));
    await expect(reading).rejects.toMatchObject({
      code: 'input',
      message: expect.stringMatching(new RegExp(`^${path}.*${message}`)),
    });
  });

  it('says which file cannot be read', async () => {
    const reading = Array.fromAsync(readSeedACsv('/nowhere/m.csv', options));
    await expect(reading).rejects.toMatchObject({
      code: 'input',
      message: '/nowhere/m.csv cannot be read: there is no such file',
    });
  });

  it('stops when it is told to', async () => {
    const path = await fileOf(`${header}\n`);
    const reading = Array.fromAsync(
      readSeedACsv(path, { ...options, signal: AbortSignal.abort() }),
    );
    await expect(reading).rejects.toMatchObject({ code: 'aborted' });
  });

  it('reads a name whose bytes two pieces of the file share', async () => {
    const name = 'é'.repeat(100);
    const row = `20:52:00,${name},1,2\n`;
    const rows = await rowsOf(`${header}\n${row.repeat(2000)}`);
    expect(rows.filter((row) => 'malformed' in row || row.serverId !== name)).toEqual([]);
    expect(rows).toHaveLength(2000);
  });
});

describe('scanSeedACsv', () => {
  it('finds the earliest event, the servers and the hash of the bytes', async () => {
    const content = `${header}\n00:00:01,b,1,2\nbad\n23:59:59,a,1,2\n00:00:05,b,1,2\n`;
    expect(await scanSeedACsv(await fileOf(content), options)).toEqual({
      sha256: createHash('sha256').update(content).digest('hex'),
      originMs: options.firstDayMs - 1000,
      undatedOriginMs: options.firstDayMs - 1000,
      latestMs: options.firstDayMs + 5000,
      rows: 3,
      groups: 3,
      malformed: 1,
      servers: ['b', 'a'],
    });
  });

  it('counts rows of one time that follow each other as one group', async () => {
    const rows = ['00:00:01,a,1,2', '00:00:01,b,1,2', 'bad', '00:00:01,c,1,2', '00:00:02,a,1,2'];
    const path = await fileOf(`${[header, ...rows, '00:00:01,d,1,2'].join('\n')}\n`);
    expect(await scanSeedACsv(path, options)).toMatchObject({ rows: 5, groups: 3 });
  });

  it.each([
    [1, ['line 2 is left out: not a time: 2026-13-40']],
    [3, [2, 3, 4].map((line) => `line ${line} is left out: not a time: 2026-13-40`)],
    [
      1_000,
      [
        ...[2, 3, 4].map((line) => `line ${line} is left out: not a time: 2026-13-40`),
        'and 997 more',
      ],
    ],
  ])(
    'refuses a file with %i rows that cannot be read, and names the first',
    async (count, named) => {
      const path = await fileOf(`${header}\n${'2026-13-40,s9,21,51\n'.repeat(count)}`);
      await expect(scanSeedACsv(path, options)).rejects.toMatchObject({
        code: 'input',
        message: `${path}: no row can be read`,
        hint: named.join('\n  '),
      });
    },
  );

  it('refuses a file that has its header alone', async () => {
    const path = await fileOf(`${header}\n`);
    await expect(scanSeedACsv(path, options)).rejects.toMatchObject({
      code: 'input',
      message: `${path} has no rows`,
      hint: undefined,
    });
  });
});
