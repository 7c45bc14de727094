import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { WindrowError } from '../../runtime/errors.ts';
import { temporaryFolder } from '../../runtime/testing/temporary-folder.ts';
import { brokerArguments, formatArguments, javaVersion } from './java.ts';

/** The only program in PATH, until the test ends. */
function javaIs(script: string, mode = 0o755): void {
  const folder = temporaryFolder();
  writeFileSync(join(folder, 'java'), script, { mode });
  vi.stubEnv('PATH', folder);
  onTestFinished(() => void vi.unstubAllEnvs());
}

function saying(version: string): string {
  return `#!/bin/sh\necho 'openjdk version "${version}" 2025-04-15' >&2\n`;
}

function failure(): { message: string; hint: string | undefined } {
  try {
    javaVersion();
  } catch (error) {
    if (error instanceof WindrowError) return error;
  }
  throw new Error('it did not fail');
}

describe('javaVersion', () => {
  it.each(['17.0.15', '17', '25-ea'])('%s will do', (version) => {
    javaIs(saying(version));
    expect(javaVersion()).toContain(`"${version}"`);
  });

  it.each([
    ['1.8.0_292', '8'],
    ['9.0.4', '9'],
    ['11.0.2', '11'],
  ])('%s is told to be Java %s, which is too old', (version, name) => {
    javaIs(saying(version));
    expect(failure()).toMatchObject({
      message: `Apache Kafka needs Java 17 or newer: the one in PATH is Java ${name}`,
      hint: expect.stringContaining('apt-get install default-jre-headless') as string,
    });
  });

  it.each<[string, string, RegExp, number?]>([
    [
      'fails',
      '#!/bin/sh\necho "Error: no JVM" >&2\necho "Error: A fatal exception" >&2\nexit 1\n',
      /^It said: Error: no JVM\n {2}Error: A fatal exception\n/,
    ],
    ['says nothing', '#!/bin/sh\nexit 3\n', /^It ended \(exit code 3\)\n/],
    ['is killed', '#!/bin/sh\nkill -9 $$\n', /^It ended \(SIGKILL\)\n/],
    ['is none', '#!/bin/sh\necho 1.2.3\n', /^It said: 1\.2\.3\n/],
    ['is of another system', '#!/no/such/loader\n', /ENOENT/],
    ['may not be run', saying('17'), /EACCES/, 0o644],
  ])('one that %s is not told to be missing', (_, script, hint, mode = 0o755) => {
    javaIs(script, mode);
    expect(failure()).toMatchObject({
      message: 'Apache Kafka needs Java 17 or newer: the one in PATH does not work',
      hint: expect.stringMatching(hint) as string,
    });
    expect(failure().hint).toMatch(/\n {2}Mend it, or install another one\.$/);
  });
});

it('without an archive of its classes Kafka is started without one', () => {
  const installation = { classPath: 'lib/*', archive: undefined };
  const broker = brokerArguments(installation, 'server.properties', 'broker.log');
  for (const args of [broker, formatArguments(installation, [])]) {
    expect(args.join(' ')).not.toContain('Archive');
    expect(args).toContain('lib/*');
  }
});
