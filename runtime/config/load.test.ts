import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { WindrowError } from '../errors.ts';
import { temporaryFolder } from '../testing/temporary-folder.ts';
import { sayingAll } from './issue.ts';
import { loadConfig, type Sources } from './load.ts';
import { describeCheck, describeConfig } from './show.ts';
import { duration, size, whole } from './units.ts';

const SPEC = {
  to: { schema: z.string(), fallback: 'http://here', about: 'Where to.' },
  'processes.interval': { schema: duration('1s', '1m'), fallback: '5s', about: 'How often.' },
  port: { schema: whole(0, 65_535), fallback: 7861, about: 'Port.' },
  room: { schema: size('1KiB', '1GiB'), fallback: undefined, about: 'Room.' },
} as const;

function sources(given: Partial<Sources>, cwd = temporaryFolder()): Sources {
  return { program: 'agent', flags: {}, env: {}, cwd, configFlag: undefined, ...given };
}

function withFile(text: string): string {
  const cwd = temporaryFolder();
  mkdirSync(join(cwd, 'config'));
  writeFileSync(join(cwd, 'config/agent.yaml'), text);
  return cwd;
}

function failure(given: Sources): WindrowError {
  try {
    loadConfig(SPEC, given);
  } catch (error) {
    if (error instanceof WindrowError) return error;
  }
  throw new Error('it did not fail with a WindrowError');
}

it('flags win over environment, environment over file, file over defaults, each remembered', () => {
  const cwd = withFile('to: file\nprocesses:\n  interval: 2s\nport: 1\n');
  const loaded = loadConfig(
    SPEC,
    sources({ flags: { to: 'flag' }, env: { WINDROW_TO: 'env', WINDROW_PORT: '2' } }, cwd),
  );
  expect(loaded.values).toEqual({
    to: 'flag',
    'processes.interval': 2_000,
    port: 2,
    room: undefined,
  });
  expect(loaded.origins).toEqual({
    to: '--to',
    'processes.interval': 'config/agent.yaml',
    port: 'WINDROW_PORT',
    room: 'default',
  });
  expect(describeConfig(loaded)).toContain('processes.interval  2s    # config/agent.yaml');
});

it('--config wins over WINDROW_CONFIG, and that over the file in ./config', () => {
  const cwd = withFile('to: default-file\n');
  writeFileSync(join(cwd, 'a.yaml'), 'to: a\n');
  writeFileSync(join(cwd, 'b.yaml'), 'to: b\n');
  const env = { WINDROW_CONFIG: 'b.yaml' };
  expect(loadConfig(SPEC, sources({}, cwd)).values.to).toBe('default-file');
  expect(loadConfig(SPEC, sources({ env }, cwd)).values.to).toBe('b');
  expect(loadConfig(SPEC, sources({ env, configFlag: 'a.yaml' }, cwd)).values.to).toBe('a');
});

it.each([
  ['a flag', { flags: { port: '70000' } }, /^--port must be a whole number from 0 to 65535/],
  [
    'a variable',
    { env: { WINDROW_PROCESSES_INTERVAL: '5' } },
    /^WINDROW_PROCESSES_INTERVAL must be a duration/,
  ],
  ['a range', { env: { WINDROW_PROCESSES_INTERVAL: '2m' } }, /must be from 1s to 1m, not "2m"/],
  [
    'a missing file',
    { configFlag: 'none.yaml' },
    /^--config: cannot read none.yaml: there is no such file$/,
  ],
  [
    'a missing file of the environment',
    { env: { WINDROW_CONFIG: 'no' } },
    /^WINDROW_CONFIG: cannot read no: there is no such file$/,
  ],
])('%s that is wrong is named', (_name, given, message) => {
  const error = failure(sources(given));
  expect(error.code).toBe('flags' in given ? 'usage' : 'config');
  expect(error.message).toMatch(message);
});

it.each([
  ['an unknown key', 'prot: 1\n', 'config/agent.yaml: prot is not a setting'],
  [
    'an unknown nested key',
    'processes:\n  every: 1s\n',
    'config/agent.yaml: processes.every is not a setting',
  ],
  [
    'a value',
    'port: x\n',
    'config/agent.yaml: port must be a whole number from 0 to 65535, not "x"',
  ],
  [
    'a section that is none',
    'processes: 5\n',
    'config/agent.yaml: processes must hold keys and values',
  ],
  ['a list as the whole file', '- 1\n', 'config/agent.yaml must hold keys and values'],
  ['broken YAML', 'to: "a\nport: 1\n', /config\/agent.yaml line \d/],
  [
    'a key that stands twice',
    'port: 1\nport: 2\n',
    /config\/agent.yaml line 2: Map keys must be unique/,
  ],
])('in a file, %s is named with the file', (_name, text, message) => {
  expect(failure(sources({}, withFile(text))).message).toMatch(message);
});

it('an empty file, an empty section and an empty value mean the defaults', () => {
  for (const text of ['', '# only a comment\n', 'processes:\n', 'to:\n']) {
    expect(loadConfig(SPEC, sources({}, withFile(text))).values.to).toBe('http://here');
  }
});

it.each([
  ['tcp://me:secret@b:1,u:secret@c', '"…@c"'],
  ['me:pa/ss, w"rd@b', '"…@b"'],
  ['none', '"none"'],
])('what may be a password in a wrong value is not repeated: %s', (port, told) => {
  const { message } = failure(sources({ flags: { port } }));
  expect(message.endsWith(`, not ${told}`), message).toBe(true);
});

it('a variable that no setting has is warned of', () => {
  const loaded = loadConfig(SPEC, sources({ env: { WINDROW_PROT: '1' } }));
  expect(describeCheck(loaded)).toContain('WINDROW_PROT is set but is no setting');
});

const WAYS = {
  way: { schema: z.enum(['by hand', 'by post']), fallback: 'by hand', about: 'How.' },
  to: {
    schema: z.string(),
    fallback: 'here',
    about: 'Where to.',
    flag: { name: '--to', needs: { way: 'by hand' } },
  },
  office: {
    schema: z.string(),
    fallback: undefined,
    about: 'Post office.',
    flag: { name: '--office', implies: { way: 'by post' } },
  },
} as const;

describe('a flag that would not count is refused', () => {
  it.each([
    [{ flags: { to: 'x', office: 'y' } }, '--to and --office exclude each other'],
    [
      { flags: { to: 'x' }, env: { WINDROW_WAY: 'by post' } },
      '--to would not count: WINDROW_WAY says way: by post',
    ],
    [{ flags: { to: 'x' } }, '--to would not count: config/agent.yaml says way: by post'],
  ])('%j', (given, message) => {
    const cwd = withFile('way: by post\n');
    expect(() => loadConfig(WAYS, sources(given, cwd))).toThrow(
      expect.objectContaining({ code: 'usage', message }),
    );
  });

  it('what file or environment say beside it may stay', () => {
    const cwd = withFile('way: by post\nto: x\n');
    expect(loadConfig(WAYS, sources({}, cwd)).values).toMatchObject({ way: 'by post', to: 'x' });
    const env = { WINDROW_TO: 'y' };
    expect(loadConfig(WAYS, sources({ env, flags: { office: 'z' } }, cwd)).values.to).toBe('y');
  });

  it('what outranks the other setting decides, not the file', () => {
    const given = { flags: { to: 'x' }, env: { WINDROW_WAY: 'by hand' } };
    expect(loadConfig(WAYS, sources(given, withFile('way: by post\n'))).values.to).toBe('x');
  });
});

it('a value of which a part is wrong is not told again behind that', () => {
  const part = z.string().superRefine((_, context) => {
    context.addIssue(sayingAll(': 7 of it is wrong'));
  });
  const spec = { part: { schema: part, fallback: undefined, about: 'x' } };
  expect(() => loadConfig(spec, sources({ flags: { part: '1,7' } }))).toThrow(
    /^--part: 7 of it is wrong$/,
  );
});
