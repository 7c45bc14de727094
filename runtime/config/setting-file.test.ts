import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { temporaryFolder } from '../testing/temporary-folder.ts';
import { readCertificates } from './setting-file.ts';

let pem: string;
let key: string;

beforeAll(() => {
  const folder = mkdtempSync(join(tmpdir(), 'windrow-test-'));
  const made = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-noenc', '-days', '2'];
  const files = ['-keyout', 'key.pem', '-out', 'cert.pem', '-subj', '/CN=test'];
  execFileSync('openssl', ['req', '-x509', ...made, ...files], { cwd: folder, stdio: 'pipe' });
  pem = readFileSync(join(folder, 'cert.pem'), 'utf8');
  key = readFileSync(join(folder, 'key.pem'), 'utf8');
  rmSync(folder, { recursive: true });
});

function read(text: string): string {
  const path = join(temporaryFolder(), 'ca.pem');
  writeFileSync(path, text);
  return readCertificates('tls_ca_file', path);
}

describe('a file of certificates', () => {
  it.each<[string, () => string]>([
    ['one', () => pem],
    ['two, and words between them', () => `${pem}# the other\n${pem}`],
    ['one behind its key', () => key + pem],
    ['lines of Windows', () => pem.replaceAll('\n', '\r\n')],
    ['OpenSSL’s older label', () => pem.replaceAll(' CERTIFICATE', ' X509 CERTIFICATE')],
    ['OpenSSL’s label for trust', () => pem.replaceAll(' CERTIFICATE', ' TRUSTED CERTIFICATE')],
  ])('is taken as it is: %s', (_, text) => {
    expect(read(text())).toBe(text());
  });

  it.each<[string, () => string, RegExp]>([
    ['empty', () => '', /holds no certificate/],
    ['any text', () => 'garbage\n', /holds no certificate/],
    ['a private key', () => key, /holds no certificate/],
    ['a broken body', () => pem.replace(/\n\w{8}/, '\nAAAAAAAA'), /cannot be read/],
    ['cut off', () => pem.slice(0, pem.length / 2), /cannot be read/],
    ['the second is broken', () => pem + pem.replace(/\n\w{8}/, '\n!!!!!!!!'), /cannot be read/],
  ])('is refused by key and name: %s', (_, text, reason) => {
    const error = expect.objectContaining({
      code: 'config',
      message: expect.stringMatching(/^tls_ca_file: \S+ca\.pem holds /),
    });
    expect(() => read(text())).toThrow(error);
    expect(() => read(text())).toThrow(reason);
  });
});

it('a file that cannot be read is named, with its key, and why in words', () => {
  const folder = temporaryFolder();
  const refused = (path: string, why: string) => ({
    code: 'config',
    message: `tls_ca_file: cannot read ${path}: ${why}`,
  });
  const missing = join(folder, 'nope.pem');
  const reading = (path: string) => () => readCertificates('tls_ca_file', path);
  expect(reading(missing)).toThrow(
    expect.objectContaining(refused(missing, 'there is no such file')),
  );
  expect(reading(folder)).toThrow(expect.objectContaining(refused(folder, 'it is a folder')));
});
