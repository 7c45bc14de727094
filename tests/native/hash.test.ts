/** `windrow-agent hash` beside the program whose output it promises. */
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { ENGINE_NAMES } from '../../native/sha256/engine.ts';
import { run, tempDir } from '../support/programs.ts';
import { missing } from '../support/tools.ts';

const launch = fileURLToPath(new URL('../../agent/launch.js', import.meta.url));
/** Five of them are more than what is hashed without threads. */
const largeBytes = 4 << 20;
/** In bits it needs more than 32 of them. */
const hugeBytes = 513 << 20;
/** Seconds, and many of them when everything else runs at the same time. */
const hugeMsMax = 180_000;
const LARGE = ['large 1', 'large 2', 'large 3', 'large 4', 'large 5'];
const ODD = [
  'empty',
  'back\\slash',
  'new\nline',
  'carriage\rreturn',
  ' blank ',
  '*star',
  'Zoë',
  '#1',
];
const withoutShaNi = { OPENSSL_ia32cap: ':~0x20000000' };

type Env = Readonly<Record<string, string>>;

/** Files of all sorts; what was measured of engines is kept there, not where the user's is. */
class Folder implements Disposable {
  readonly #folder = tempDir();

  constructor(names: readonly string[]) {
    for (const [n, name] of names.entries()) {
      const bytes = name.startsWith('large') ? largeBytes + n * 12_345 : 10 * n;
      writeFileSync(this.pathOf(name), Buffer.alloc(bytes, `${name} ${n} `));
    }
  }

  pathOf(name: string): string {
    return join(this.#folder.path, name);
  }

  hash(args: readonly string[], env: Env = {}) {
    return run('agent', ['hash', ...args], { cwd: this.#folder.path, env: this.#env(env) });
  }

  async hashOfInput(input: string): Promise<string> {
    const child = spawn(process.execPath, [launch, 'hash'], {
      cwd: this.#folder.path,
      env: { ...process.env, ...this.#env({}) },
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    child.stdin.end(input);
    return text(child.stdout);
  }

  sha256sum(args: readonly string[], input = '') {
    const env = { PATH: process.env['PATH'], LC_ALL: 'C.UTF-8' };
    return spawnSync('sha256sum', [...args], {
      cwd: this.#folder.path,
      encoding: 'utf8',
      env,
      input,
    });
  }

  [Symbol.dispose](): void {
    this.#folder[Symbol.dispose]();
  }

  #env(extra: Env): Record<string, string> {
    return { XDG_CACHE_HOME: this.pathOf('.cache'), ...extra };
  }
}

describe.skipIf(missing('sha256sum')).concurrent('windrow-agent hash', () => {
  it.each(ENGINE_NAMES)(
    'prints with %s what sha256sum prints, in the order of names',
    async (engine) => {
      using folder = new Folder([...LARGE, ...ODD]);
      const names = [...ODD, ...LARGE, 'empty', 'large 1'];
      const { code, stdout, stderr } = await folder.hash(['--engine', engine, '--', ...names]);
      expect(stderr).toBe('');
      expect(stdout).toBe(folder.sha256sum(['--', ...names]).stdout);
      expect(code).toBe(0);
    },
  );

  it('measures the engines by itself for much, and starts nothing for little', async () => {
    using folder = new Folder([...LARGE, ...ODD]);
    for (const names of [ODD, LARGE]) {
      expect((await folder.hash(['--', ...names])).stdout).toBe(
        folder.sha256sum(['--', ...names]).stdout,
      );
    }
  });

  it('has the same digests on four lanes where OpenSSL is to do without SHA-NI', async () => {
    using folder = new Folder(LARGE);
    const { stdout } = await folder.hash(['--engine', 'simd4', ...LARGE], withoutShaNi);
    expect(stdout).toBe(folder.sha256sum(LARGE).stdout);
  });

  it('keeps the order of more names than results may wait for one before them', async () => {
    const names = ['large 1', ...Array.from({ length: 600 }, (_, n) => `small ${n}`)];
    using folder = new Folder(names);
    const { stdout } = await folder.hash(['--engine', 'simd4', ...names]);
    expect(stdout).toBe(folder.sha256sum(names).stdout);
  });

  it(
    'counts the bits of a stream beyond 32 bits',
    async () => {
      using folder = new Folder(['huge']);
      truncateSync(folder.pathOf('huge'), hugeBytes);
      const { stdout } = await folder.hash(['--engine', 'simd4', 'huge']);
      expect(stdout).toBe(folder.sha256sum(['huge']).stdout);
    },
    hugeMsMax,
  );

  it('reads the standard input without a name', async () => {
    using folder = new Folder([]);
    expect(await folder.hashOfInput('windrow')).toBe(folder.sha256sum([], 'windrow').stdout);
  });

  it.skipIf(missing('mkfifo'))(
    'reads pipes one after the other, as their writers may wait',
    async () => {
      using folder = new Folder(LARGE);
      const [one, two] = [folder.pathOf('pipe 1'), folder.pathOf('pipe 2')];
      spawnSync('mkfifo', [one, two]);
      const write = 'cat "$3" >"$1"; cat "$3" >"$2"';
      spawn('sh', ['-c', write, 'sh', one, two, folder.pathOf('large 1')]);
      const { stdout } = await folder.hash(['pipe 1', 'large 1', 'pipe 2']);
      const [digest] = folder.sha256sum(['large 1']).stdout.split(' ');
      expect(stdout).toBe(`${digest}  pipe 1\n${digest}  large 1\n${digest}  pipe 2\n`);
    },
  );

  it.each(['openssl', 'simd4'])(
    'names with %s each that cannot be read, and goes on',
    async (engine) => {
      using folder = new Folder([...LARGE, 'small']);
      mkdirSync(folder.pathOf('folder'));
      symlinkSync('loop', folder.pathOf('loop'));
      const long = 'x'.repeat(256);
      const names = ['missing', 'small', 'folder', 'small/below', 'loop', long, ...LARGE];
      const { code, stdout, stderr } = await folder.hash(['--engine', engine, ...names]);
      expect(stdout).toBe(folder.sha256sum(names).stdout);
      expect(complaintsIn(stderr)).toEqual(complaintsIn(folder.sha256sum(names).stderr));
      expect(code).toBe(1);
    },
  );
});

describe.skipIf(missing('sha256sum')).concurrent('windrow-agent hash --check', () => {
  it('finds all that sha256sum listed as it was', async () => {
    using folder = new Folder([...LARGE, ...ODD]);
    const list = folder.sha256sum(['--', ...LARGE, ...ODD]).stdout;
    await expectLikeSha256sum(folder, list, 0);
  });

  it('tells files that changed, are gone or never were, and lines that are none', async () => {
    using folder = new Folder([...LARGE, ...ODD]);
    const list = folder.sha256sum(['--', ...LARGE, ...ODD]).stdout;
    writeFileSync(folder.pathOf('large 2'), 'other');
    writeFileSync(folder.pathOf('new\nline'), 'other');
    rmSync(folder.pathOf('Zoë'));
    await expectLikeSha256sum(folder, `# a comment\n${list}nonsense\n\nabc  empty\n`, 1);
  });

  it.each([
    ['of the other forms', (digest: string) => `SHA256 (empty) = ${digest}\n${digest} *empty\n`, 0],
    ['in capitals, indented', (digest: string) => `  ${digest.toUpperCase()}  empty\n`, 0],
    ['without an end', (digest: string) => `${digest}  empty`, 0],
    ['with a broken escape', (digest: string) => `\\${digest}  a\\b\n${digest}  empty\n`, 0],
    ['for the standard input', (digest: string) => `${digest}  -\n`, 0],
    ['of a file that is gone', (digest: string) => `${digest}  empty\n${digest}  gone\n`, 1],
    ['that are none at all', () => 'nonsense\n', 1],
    ['of an empty list', () => '', 1],
  ])('takes lines %s as sha256sum does', async (_, listOf, code) => {
    using folder = new Folder(['empty']);
    const [digest = ''] = folder.sha256sum(['empty']).stdout.split(' ');
    await expectLikeSha256sum(folder, listOf(digest), code);
  });

  it('goes on after a name that has a byte 0, and takes names that are no UTF-8', async () => {
    using folder = new Folder(['empty']);
    const [digest = ''] = folder.sha256sum(['empty']).stdout.split(' ');
    const odd = Buffer.from('f\xFFx', 'latin1');
    writeFileSync(Buffer.concat([Buffer.from(folder.pathOf('/')), odd]), '');
    const gone = Buffer.from('gone \xFF\x01y', 'latin1');
    const lines = ['empty\0behind', '\0', odd, gone, 'empty'].map((name) =>
      Buffer.concat([Buffer.from(`${digest}  `), Buffer.from(name), Buffer.from('\n')]),
    );
    await expectLikeSha256sum(folder, Buffer.concat(lines), 1);
  });

  it('says which list cannot be read', async () => {
    using folder = new Folder([]);
    const list = 'not here';
    const ours = await folder.hash(['--check', list]);
    expect(ours).toMatchObject({ code: 1, stdout: '' });
    expect(complaintsIn(ours.stderr)).toEqual(
      complaintsIn(folder.sha256sum(['--check', list]).stderr),
    );
  });

  it('takes no files beside a list', async () => {
    using folder = new Folder(['small']);
    expect(await folder.hash(['--check', 'list', 'small'])).toMatchObject({ code: 2, stdout: '' });
  });
});

/** The same results, the same warnings and the same exit code. */
async function expectLikeSha256sum(
  folder: Folder,
  list: string | Buffer,
  code: number,
): Promise<void> {
  writeFileSync(folder.pathOf('list'), list);
  const ours = await folder.hash(['--check', 'list']);
  const theirs = folder.sha256sum(['--check', 'list']);
  expect(ours.stdout).toBe(theirs.stdout);
  expect(complaintsIn(ours.stderr)).toEqual(complaintsIn(theirs.stderr));
  expect([ours.code, theirs.status]).toEqual([code, code]);
}

/** Without the program's name, sorted: those of files come as these are found. */
function complaintsIn(stderr: string): string[] {
  return stderr
    .trimEnd()
    .split('\n')
    .map((line) => line.replace(/^(?:sha256sum|windrow-agent hash): /, ''))
    .map((line) => line.replace(' SHA256', ''))
    .sort();
}
