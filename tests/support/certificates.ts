/** A certificate authority of the test's own, and a server's certificate signed by it. */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

export interface Certificates {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

/** Makes PEM files in the folder, for 127.0.0.1 and localhost. @returns their paths */
export function makeCertificates(folder: string): Certificates {
  const openssl = (...args: string[]): void => {
    execFileSync('openssl', args, { cwd: folder, stdio: 'pipe' });
  };
  const made = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-noenc'];
  const authority = ['-keyout', 'ca.key', '-out', 'ca.pem', '-subj', '/CN=windrow test CA'];
  openssl(...made, ...authority, '-days', '2');
  const names = ['-addext', 'subjectAltName=IP:127.0.0.1,DNS:localhost'];
  const signed = ['-CA', 'ca.pem', '-CAkey', 'ca.key', ...names, '-days', '2'];
  openssl(...made, '-keyout', 'server.key', '-out', 'server.pem', '-subj', '/CN=server', ...signed);
  const path = (name: string): string => join(folder, name);
  return { ca: path('ca.pem'), cert: path('server.pem'), key: path('server.key') };
}
