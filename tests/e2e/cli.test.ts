/** What people see when they mistype, misname or misconfigure something. */
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';
import packageJson from '../../package.json' with { type: 'json' };
import { answering } from '../../runtime/testing/loopback.ts';
import {
  type Finished,
  run,
  type RunOptions,
  startCollector,
  tempDir,
} from '../support/programs.ts';

const CSV = fileURLToPath(new URL('../data/server_metrics.csv', import.meta.url));

type Program = 'agent' | 'collector';

/** Runs a command line in an empty folder, so that nothing of this clone's configuration is in it. */
async function cli(program: Program, line: string, options: RunOptions = {}): Promise<Finished> {
  const folder = tempDir();
  onTestFinished(() => folder[Symbol.dispose]());
  const args = line.split(' ').filter((arg) => arg !== '');
  return run(program, args, { cwd: folder.path, ...options });
}

/** One sentence that names what mends it, at most one more that says how, and no stack. */
function expectClear({ stderr }: Finished, named: string | RegExp): void {
  expect(stderr).toMatch(named);
  expect(stderr.trimEnd().split('\n').length, stderr).toBeLessThanOrEqual(2);
  expect(stderr).not.toMatch(/^\s+at |node:internal|\.ts:\d/m);
}

const USAGE: readonly (readonly [Program, string, string | RegExp])[] = [
  ['agent', 'bogus', "unknown command 'bogus'"],
  ['agent', '--bogus', '--bogus'],
  ['agent', 'run --bogus', '--bogus'],
  ['agent', 'run --to', '--to'],
  ['agent', 'run extra', /too many arguments.*extra/],
  ['agent', 'run --to nonsense', /--to must be an address.*"nonsense"/],
  ['agent', 'run --to ftp://host', '--to must be an address'],
  ['agent', 'run --to http://user:secret@host', /--to must not hold a password/],
  ['agent', 'run --interval 0s', '--interval must be from 1s to 60s'],
  ['agent', 'run --interval 5', /--interval must be a duration/],
  ['agent', 'run --server-id ', /--server-id/],
  ['agent', 'run --log loud', '--log'],
  ['agent', 'run --kafka nonsense', '--kafka'],
  ['agent', 'replay', /missing required argument 'file'/],
  ['agent', `replay ${CSV} --speed fast`, '--speed: fast'],
  ['agent', `replay ${CSV} --speed 0`, '--speed: 0'],
  ['agent', `replay ${CSV} --groups-per-second -1`, /--groups-per-second/],
  ['agent', `replay ${CSV} --speed 1 --groups-per-second 1`, '--speed and --groups-per-second'],
  ['agent', 'config bogus', "unknown command 'bogus'"],
  ['agent', 'config check --bogus', '--bogus'],
  ['agent', 'doctor --to nonsense', '--to'],
  ['agent', 'hash --engine md5', /--engine.*md5.*simd4/],
  ['agent', 'hash --check list file', /--check takes the files from list/],
  ['agent', 'bench extra', /too many arguments.*extra/],
  ['agent', 'version --bogus', '--bogus'],
  ['collector', 'bogus', "unknown command 'bogus'"],
  ['collector', 'serve --bogus', '--bogus'],
  ['collector', 'serve --port seven', /--port must be a whole number.*"seven"/],
  ['collector', 'serve --port 65536', '--port must be a whole number from 0 to 65535'],
  ['collector', 'serve --listen a/b', '--listen'],
  ['collector', 'windows', '--report'],
  ['collector', `windows ${CSV}`, '--report'],
  ['collector', `windows ${CSV} --report nope`, /report.*nope[^]*cpu-mem/],
  ['collector', `windows ${CSV} --report ../../package`, /report/],
  ['collector', 'export bogus', "unknown command 'bogus'"],
  ['collector', 'export windows --from yesterday', '--from: yesterday'],
  ['collector', 'export samples --to 2026-13-01', '--to: 2026-13-01'],
  ['collector', 'export samples --from 1h --to 2h', '--from is not before --to'],
  ['collector', 'export samples --format xml', '--format'],
  ['collector', 'export samples --fleet', '--fleet'],
  ['collector', 'export windows --fleet --report cpu-mem', '--report and --fleet'],
  ['collector', 'export alerts --source live', '--source'],
  ['collector', 'export quarantine --fleet', '--fleet'],
  ['collector', 'alert bogus', "unknown command 'bogus'"],
  ['collector', 'alert test', '--from'],
  ['collector', 'alert test --from 1h --to 2h', '--from is not before --to'],
  ['collector', 'alert test --from 1h --format csv', '--format'],
  ['collector', 'token bogus', "unknown command 'bogus'"],
  ['collector', 'token create --bogus', '--bogus'],
  ['collector', 'config show --port x', '--port'],
  ['collector', 'doctor --port x', '--port'],
];

describe('a mistake on the command line is exit code 2 and one line that names it', () => {
  it.each(USAGE)('%s %s', async (program, line, named) => {
    const finished = await cli(program, line);
    expectClear(finished, named);
    expect(finished.code).toBe(2);
    expect(finished.stdout).toBe('');
  });

  it.each([
    ['agent', ''],
    ['agent', 'config'],
    ['collector', ''],
    ['collector', 'token'],
    ['collector', 'export'],
  ] as const)('%s %s alone shows the help', async (program, line) => {
    const finished = await cli(program, line);
    expect(finished.code).toBe(2);
    expect(finished.stderr).toContain('Usage: ');
    expect(finished.stdout).toBe('');
  });
});

describe('a wrong configuration is exit code 78 and one line that names file or variable, and key', () => {
  const files: readonly (readonly [Program, string, string])[] = [
    ['agent', 'interval: 0s\n', 'own.yaml: interval must be from 1s to 60s'],
    ['agent', 'intervall: 1s\n', 'own.yaml: intervall is not a setting'],
    ['agent', 'processes:\n  tops: 1\n', 'own.yaml: processes.tops is not a setting'],
    ['agent', 'processes: 5\n', 'own.yaml: processes must hold keys and values'],
    ['agent', 'to: [1\n', 'own.yaml line '],
    ['agent', 'token_file: /nowhere/token\n', 'token_file: '],
    ['collector', 'windows:\n  length: 25s\n', 'windows.length must be a whole number'],
    ['collector', 'retention:\n  size: 5\n', 'own.yaml: retention.size must be a size'],
    ['collector', 'tls:\n  cert_file: a.pem\n', 'tls.cert_file and tls.key_file'],
    ['collector', '- a\n', 'own.yaml must hold keys and values'],
  ];

  it.each(files)('%s: %j', async (program, text, named) => {
    using folder = tempDir();
    writeFileSync(join(folder.path, 'own.yaml'), text);
    const finished = await run(program, ['config', 'check', '--config', 'own.yaml'], {
      cwd: folder.path,
    });
    expectClear(finished, named);
    expect(finished.code).toBe(78);
  });

  it.each([
    ['agent', { WINDROW_INTERVAL: '5 minutes' }, 'WINDROW_INTERVAL must be'],
    ['agent', { WINDROW_CONFIG: '/nowhere.yaml' }, 'WINDROW_CONFIG: cannot read /nowhere.yaml'],
    ['agent', { WINDROW_TOKEN_FILE: '/nowhere' }, 'token_file: '],
    ['agent', { WINDROW_TOKEN_FILE: CSV }, /token_file: .* holds no token/],
    ['collector', { WINDROW_PORT: '-1' }, 'WINDROW_PORT must be'],
    ['agent', { WINDROW_TRANSPORT: 'kafka' }, 'brokers is missing'],
    ['collector', { WINDROW_TRANSPORT: 'kafka' }, 'brokers is missing'],
    ['collector', { WINDROW_WINDOWS_SLIDE: '7s' }, 'windows.length must be a whole number'],
  ] as const)('%s: %j', async (program, env, named) => {
    const finished = await cli(program, 'config check', { env });
    expectClear(finished, named);
    expect(finished.code).toBe(78);
  });

  it('a certificate that is not there is named by its key before the port is taken', async () => {
    const env = { WINDROW_TLS_CERT_FILE: 'no.pem', WINDROW_TLS_KEY_FILE: 'no.key' };
    const finished = await cli('collector', 'serve --port 0 --log silent', { env });
    expectClear(finished, 'tls.cert_file: ');
    expect(finished.code).toBe(78);
  });
});

describe('what fails at work is exit code 1 and one line', () => {
  it('a port in use names the flag that mends it', async () => {
    await using first = await startCollector();
    const { port } = new URL(first.url);
    const finished = await cli('collector', `serve --port ${port} --log warn`);
    expectClear(finished, `port ${port} is already in use`);
    expect(finished.stderr).toContain('--port');
    expect(finished.code).toBe(1);
  });

  it.each([
    ['agent', 'replay nowhere.csv', 'nowhere.csv cannot be read'],
    ['agent', `replay ${CSV} --to http://127.0.0.1:1`, /cannot reach .*\n.*--to/],
    ['collector', 'windows nowhere.csv --report cpu-mem', 'nowhere.csv cannot be read'],
    ['collector', `windows ${CSV} --report cpu-mem --out no/folder/x.csv`, '--out: '],
    ['collector', 'export windows --data nowhere', /no store in nowhere\n.*--data/],
    ['collector', 'alert test --from 1h --data nowhere', /no store in nowhere\n.*--data/],
  ] as const)('%s %s', async (program, line, named) => {
    const finished = await cli(program, line);
    expectClear(finished, named);
    expect(finished.code).toBe(1);
    expect(finished.stdout).toBe('');
  });

  it.each([
    [200, '<html>hello</html>'],
    [404, 'not found'],
  ])(
    'a replay to another program (%i) ends at once and says that it is none',
    async (status, body) => {
      const url = await answering((_, response) => response.writeHead(status).end(body));
      const finished = await cli('agent', `replay ${CSV} --to ${url} --speed max`);
      expectClear(finished, /--to/);
      expect(finished.code).toBe(1);
    },
  );

  it('a data folder that cannot be made is named, for each verb that needs it', async () => {
    using folder = tempDir();
    writeFileSync(join(folder.path, 'file'), '');
    for (const verb of ['serve --port 0 --log silent', 'token create', 'token link']) {
      const finished = await run('collector', [...verb.split(' '), '--data', 'file'], {
        cwd: folder.path,
      });
      expectClear(finished, /file/);
      expect(finished.code, verb).toBe(1);
    }
  });

  it('an outbox is not said to be empty where there is no data folder: its path is named', async () => {
    using folder = tempDir();
    writeFileSync(join(folder.path, 'file'), '');
    for (const path of ['typo', 'file', 'file/below']) {
      const args = ['outbox', '--data', join(folder.path, path)];
      const finished = await run('agent', args, { cwd: folder.path });
      expectClear(finished, /--data/);
      expect(finished.stderr).toContain(join(folder.path, path));
      expect([finished.code, finished.stdout], path).toEqual([1, '']);
    }
  });

  it('what doctor finds is exit code 1, with what to do about each', async () => {
    const agent = await cli('agent', 'doctor --to http://127.0.0.1:1');
    expect(agent.stdout).toMatch(/^FAIL +port .*\n +→ Start the collector/m);
    expect([agent.code, agent.stderr]).toEqual([1, '']);
    await using collector = await startCollector();
    const { port } = new URL(collector.url);
    const taken = await cli('collector', `doctor --port ${port}`);
    expect(taken.stdout).toMatch(/^FAIL +port .*\n +→ .*--port/m);
    expect(taken.stdout).toMatch(/^OK {4}alerts {4}\d+ rules and 0 notifiers in \S+alerts\.yaml$/m);
    expect([taken.code, taken.stderr]).toEqual([1, '']);
    using folder = tempDir();
    writeFileSync(join(folder.path, 'a.yaml'), 'rules: [{ name: hot }]');
    const wrong = await run('collector', ['doctor', '--port', '0', '--data', folder.path], {
      env: { WINDROW_ALERTS: join(folder.path, 'a.yaml') },
    });
    expect(wrong.stdout).toMatch(/^FAIL {2}alerts {4}\S+a\.yaml: rule hot: about: must be given$/m);
    expect([wrong.code, wrong.stderr]).toEqual([1, '']);
  });

  it('a file that was there stays when an export to it fails, and nothing half-written is left', async () => {
    using folder = tempDir();
    mkdirSync(join(folder.path, 'out.csv'));
    const args = ['windows', CSV, '--report', 'cpu-mem', '--out', 'out.csv'];
    const finished = await run('collector', args, { cwd: folder.path });
    expectClear(finished, '--out: cannot write out.csv');
    expect(finished.code).toBe(1);
    expect(readdirSync(folder.path)).toEqual(['out.csv']);
  });
});

describe('what is right is exit code 0', () => {
  it.each(['agent', 'collector'] as const)('%s version --json', async (program) => {
    const { code, stdout, stderr } = await cli(program, 'version --json');
    expect([code, stderr]).toEqual([0, '']);
    expect(JSON.parse(stdout)).toEqual({
      name: `windrow-${program}`,
      version: packageJson.version,
      node: process.version,
      platform: `${process.platform}-${process.arch}`,
    });
    for (const asked of ['version', '--version']) {
      const plain = await cli(program, asked);
      expect(plain.stdout).toBe(`windrow-${program} ${packageJson.version}\n`);
    }
  });

  it.each(['agent', 'collector'] as const)('%s --help, and of each verb', async (program) => {
    const help = await cli(program, '--help');
    expect([help.code, help.stderr]).toEqual([0, '']);
    const verbs = [...help.stdout.matchAll(/^ {2}([a-z]+) /gm)].map((match) => match[1] ?? '');
    expect(verbs).toEqual(expect.arrayContaining(['config', 'doctor', 'version']));
    for (const verb of verbs.filter((name) => name !== 'help')) {
      const own = await cli(program, `${verb} --help`);
      expect([own.code, own.stderr], verb).toEqual([0, '']);
      expect(own.stdout).toContain(`windrow-${program} ${verb}`);
    }
  });

  it('config check of an empty folder is good, and warns of a variable that is no setting', async () => {
    const env = { WINDROW_INTERVALL: '1s' };
    const { code, stdout } = await cli('agent', 'config check', { env });
    expect(code).toBe(0);
    expect(stdout).toBe(
      'warning: WINDROW_INTERVALL is set but is no setting of this program\n' +
        'configuration is good (no file: defaults)\n',
    );
  });

  it('config show tells of each value where it comes from: flag, variable, file or default', async () => {
    using folder = tempDir();
    mkdirSync(join(folder.path, 'config'));
    writeFileSync(join(folder.path, 'config', 'agent.yaml'), 'interval: 2s\nlog: warn\n');
    const { code, stdout } = await run(
      'agent',
      ['config', 'show', '--server-id', 'pc-7', '--log', 'error'],
      { cwd: folder.path, env: { WINDROW_TO: 'http://10.0.0.1:7861', WINDROW_INTERVAL: '3s' } },
    );
    expect(code).toBe(0);
    const line = (key: string) =>
      stdout
        .split('\n')
        .find((row) => row.startsWith(`${key} `))
        ?.replaceAll(/ +/g, ' ');
    expect(line('server_id')).toBe('server_id pc-7 # --server-id');
    expect(line('log')).toBe('log error # --log');
    expect(line('to')).toBe('to http://10.0.0.1:7861 # WINDROW_TO');
    expect(line('interval')).toBe('interval 3s # WINDROW_INTERVAL');
    expect(line('data')).toBe('data ./data # default');
    const file = await run('agent', ['config', 'show'], { cwd: folder.path });
    expect(file.stdout).toMatch(/^interval +2s +# config\/agent\.yaml$/m);
  });

  it('config check never touches the network, however wrong the address', async () => {
    const { code } = await cli('agent', 'config check --to http://nowhere.invalid:1');
    expect(code).toBe(0);
  });
});
