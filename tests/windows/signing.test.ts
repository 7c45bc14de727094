/** A signature by whoever gives the executables to others: they are built so that one can be put on. */
import { execFileSync } from 'node:child_process';
import { openSync, closeSync, writeSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { missing } from '../support/tools.ts';
import { wineMissing } from './support/install.ts';
import { Wine } from './support/wine.ts';

const built = fileURLToPath(new URL('../../dist/windrow-agent-win-x64.exe', import.meta.url));
const toolMsMax = 60_000;

it.skipIf(wineMissing || missing('openssl', 'osslsigncode'))(
  'windrow-agent.exe can be signed: the signature is good, covers what is in it, and it runs',
  async () => {
    await using wine = await Wine.start();
    const tool = (program: string, ...args: string[]): string =>
      execFileSync(program, args, { encoding: 'utf8', stdio: 'pipe', timeout: toolMsMax });
    const [key, cert, signed] = [wine.shared('key'), wine.shared('cert'), wine.shared('s.exe')];
    const made = ['req', '-x509', '-newkey', 'rsa:2048', '-noenc', '-days', '2'];
    const use = ['-subj', '/CN=windrow test', '-addext', 'extendedKeyUsage=codeSigning'];
    tool('openssl', ...made, ...use, '-keyout', key, '-out', cert);
    const how = ['-certs', cert, '-key', key, '-n', 'windrow'];
    tool('osslsigncode', 'sign', ...how, '-in', built, '-out', signed);
    const verified = (): string => tool('osslsigncode', 'verify', '-CAfile', cert, '-in', signed);
    expect(verified()).toContain('Number of verified signatures: 1');

    const version = await wine.program('Z:\\mnt\\shared\\s.exe', 'version');
    expect(version.code, version.output).toBe(0);
    expect(version.output).toMatch(/^windrow-agent \d/);

    // Behind the header, in Node's own code.
    const fd = openSync(signed, 'r+');
    writeSync(fd, 'other code', 2 ** 20);
    closeSync(fd);
    expect(verified).toThrow();
  },
);
