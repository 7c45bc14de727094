/** The executables alone: no Node, no home, no environment to speak of, nothing beside them. */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import {
  createReadStream,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from 'node:fs';
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import type { FleetView, ServerView } from '../../collector/api/contract.ts';
import { eventually, getJson } from '../support/http.ts';
import { commandOf, run, startAgent, startCollector, tempDir } from '../support/programs.ts';

const DIST = fileURLToPath(new URL('../../dist', import.meta.url));
/** Nothing of a person's: neither a PATH with a Node nor a home that can be written. */
const bare = { PATH: '/nowhere', HOME: '/proc/nowhere', NODE_OPTIONS: '--nonsense' };

describe('dist', () => {
  it('has what SHA256SUMS says: for both systems, and the licences', async () => {
    const lines = readFileSync(join(DIST, 'SHA256SUMS'), 'utf8').trim().split('\n');
    const names = lines.map((line) => line.slice(66));
    expect(names.toSorted()).toEqual([
      'LICENSES.txt',
      'windrow-agent-linux-x64',
      'windrow-agent-win-x64.exe',
      'windrow-collector-linux-x64',
      'windrow-collector-win-x64.exe',
    ]);
    for (const line of lines) {
      const hash = createHash('sha256');
      for await (const part of createReadStream(join(DIST, line.slice(66)))) hash.update(part);
      expect(hash.digest('hex'), line).toBe(line.slice(0, 64));
    }
  });
});

describe('an executable', () => {
  it.each(['agent', 'collector'] as const)(
    '%s: runs in an empty folder, without Node, whatever NODE_OPTIONS says',
    async (name) => {
      using folder = tempDir();
      const ended = await run(name, ['version', '--json'], { cwd: folder.path, env: bare });
      expect([ended.code, ended.stderr]).toEqual([0, '']);
      expect(JSON.parse(ended.stdout)).toMatchObject({ name: `windrow-${name}` });
      expect(readdirSync(folder.path)).toEqual([]);
    },
  );

  it('runs no code that lies beside it', async () => {
    using folder = tempDir();
    const own = join(folder.path, 'program');
    linkSync(commandOf('agent')[0] ?? '', own);
    for (const name of ['@node-rs/crc32', 'protobufjs', 'pino-pretty', 'lz4-napi']) {
      const planted = join(folder.path, 'node_modules', name);
      mkdirSync(planted, { recursive: true });
      writeFileSync(join(planted, 'index.js'), "require('fs').writeFileSync('ran', '')");
    }
    const child = spawn(own, ['doctor', '--kafka', '127.0.0.1:1'], {
      cwd: folder.path,
      stdio: 'ignore',
    });
    await once(child, 'close');
    expect(readdirSync(folder.path).toSorted()).toEqual(['node_modules', 'program']);
  });

  it('says of an address that is not in it that it is not, and does not start', async () => {
    const ended = await run('agent', ['windrow:/agent/nothing.ts']);
    expect([ended.code, ended.stderr]).toEqual([
      2,
      'windrow:/agent/nothing.ts is not in this program\n',
    ]);
  });

  it('agent: samples, scans and takes stock with nothing but itself', async () => {
    using folder = tempDir();
    const options = { cwd: folder.path, env: { ...bare, TMPDIR: folder.path } };
    await using collector = await startCollector(options);
    await using agent = await startAgent({
      to: collector.url,
      args: ['--server-id', 'pc'],
      ...options,
    });
    await eventually(async () => {
      const [pc] = (await getJson<FleetView>(`${collector.url}/api/fleet`)).servers;
      const view = await getJson<ServerView>(`${collector.url}/api/servers/${pc?.id}`);
      expect(view.sample?.processes ?? view.processes?.list).toBeDefined();
      expect(view.inventory?.facts.kernel).toBeDefined();
    }, 30_000);
    expect(await agent.stop()).toBe(0);
  });

  it('collector: the page is inside, and is not sent twice', async () => {
    using folder = tempDir();
    await using collector = await startCollector({ cwd: folder.path, env: bare });
    const page = await fetch(collector.url);
    const html = await page.text();
    expect(page.headers.get('content-type')).toBe('text/html; charset=utf-8');
    const [, script = ''] = /src="\.\/(assets\/[^"]+\.js)"/.exec(html) ?? [];
    const first = await fetch(`${collector.url}/${script}`);
    expect(first.headers.get('content-type')).toBe('text/javascript; charset=utf-8');
    expect((await first.text()).length).toBeGreaterThan(10_000);
    const headers = { 'if-none-match': first.headers.get('etag') ?? '' };
    expect((await fetch(`${collector.url}/${script}`, { headers })).status).toBe(304);
  });

  it('two that start at once, on one new cache folder, both find their addon; a planted one is not loaded', async () => {
    using cache = tempDir();
    const env = { XDG_CACHE_HOME: cache.path };
    const folder = join(cache.path, 'windrow');
    const [one, two] = await Promise.all([startCollector({ env }), startCollector({ env })]);
    await Promise.all([one.stop(), two.stop()]);
    const addons = readdirSync(folder);
    expect(addons).toEqual([expect.stringMatching(/^[0-9a-f]{64}\.node$/)]);
    const addon = join(folder, addons[0] ?? '');
    const good = readFileSync(addon);
    writeFileSync(addon, 'planted');
    await using again = await startCollector({ env });
    expect(again.url).toMatch(/^http/);
    expect(readFileSync(addon).equals(good)).toBe(true);
  });

  it.each(['openssl', 'hash-wasm', 'simd4'])(
    'agent hash --engine %s: threads and WebAssembly work',
    async (engine) => {
      using folder = tempDir();
      const file = join(folder.path, 'file');
      const bytes = Buffer.alloc(3 * 2 ** 20 + 17, 'windrow');
      writeFileSync(file, bytes);
      const ended = await run('agent', ['hash', '--engine', engine, file], { env: bare });
      const hash = createHash('sha256').update(bytes).digest('hex');
      expect(ended).toEqual({ code: 0, stdout: `${hash}  ${file}\n`, stderr: '' });
    },
  );
});
