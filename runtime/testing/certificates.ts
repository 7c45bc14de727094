/** Real certificates with a time of their own, which `openssl req` does not give. */
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from './temporary-folder.ts';

const authority = `
[ca]
default_ca = own
[own]
database = issued
new_certs_dir = .
rand_serial = yes
default_md = sha256
policy = asked
x509_extensions = names
[asked]
commonName = supplied
[names]
subjectAltName = IP:127.0.0.1
`;
const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-noenc'];

/** PEM of a certificate for 127.0.0.1 that holds from one day to another (0: now), signed by itself. */
export function selfSigned(fromDays: number, untilDays: number): { cert: string; key: string } {
  const folder = temporaryFolder();
  const openssl = (...args: string[]): void => {
    execFileSync('openssl', args, { cwd: folder, stdio: 'pipe' });
  };
  writeFileSync(join(folder, 'ca.cnf'), authority);
  writeFileSync(join(folder, 'issued'), '');
  openssl(
    'req',
    '-new',
    ...curve,
    '-keyout',
    'key.pem',
    '-out',
    'asked.pem',
    '-subj',
    '/CN=server',
  );
  const files = [
    '-config',
    'ca.cnf',
    '-keyfile',
    'key.pem',
    '-in',
    'asked.pem',
    '-out',
    'cert.pem',
  ];
  const dates = ['-startdate', dateIn(fromDays), '-enddate', dateIn(untilDays)];
  openssl('ca', '-batch', '-selfsign', '-notext', ...files, ...dates);
  const read = (name: string): string => readFileSync(join(folder, name), 'utf8');
  return { cert: read('cert.pem'), key: read('key.pem') };
}

/** As openssl takes it: 20261231235959Z. */
function dateIn(days: number): string {
  const date = new Date(Date.now() + days * 86_400_000);
  return `${date.toISOString().replaceAll(/[-:T]|\..*$/g, '')}Z`;
}
