import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { temporaryFolder } from '../../runtime/testing/temporary-folder.ts';
import { layoutOf } from './layout.ts';

it('a cluster keeps its id and its ports, all different', async () => {
  const folder = temporaryFolder();
  const first = await layoutOf(folder, 3);
  const ports = first.ports.flatMap((node) => Object.values(node));
  expect(new Set(ports).size).toBe(9);
  expect(await layoutOf(folder, undefined)).toEqual(first);
});

it('a port that somebody else took meanwhile is named', async () => {
  const folder = temporaryFolder();
  const { client = 0 } = (await layoutOf(folder, 1)).ports[0] ?? {};
  const other = createServer().listen(client, '127.0.0.1');
  onTestFinished(() => void other.close());
  await once(other, 'listening');
  await expect(layoutOf(folder, 1)).rejects.toMatchObject({
    code: 'port_in_use',
    message: expect.stringContaining(`port ${client}, which ${join(folder, 'cluster.json')} names`),
  });
});

it.each(['', '{"id":"x"', '{"id":"wwwwwwwwwwwwwwwwwwwwww","ports":[]}'])(
  'a damaged file is named: %j',
  async (text) => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, 'cluster.json'), text);
    await expect(layoutOf(folder, 1)).rejects.toMatchObject({
      code: 'input',
      message: expect.stringContaining('cluster.json is damaged'),
    });
  },
);
