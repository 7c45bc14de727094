/** What the speed of the engines depends on. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { arch, cpus } from 'node:os';
import { VERSION } from '../../runtime/version.ts';

/**
 * The same for as long as measured figures hold: CPU model and its features, those that OpenSSL is
 * told to do without (`OPENSSL_ia32cap`), and the versions of all that is measured.
 */
export function machineKey(): string {
  const parts = [
    VERSION,
    process.versions.node,
    process.versions.openssl,
    process.execArgv.join(' '),
    process.env['OPENSSL_ia32cap'] ?? '',
    arch(),
    cpus()[0]?.model ?? '',
    cpuFeatures(),
  ];
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex');
}

/** A virtual machine keeps its model's name when features of it are hidden. */
function cpuFeatures(): string {
  try {
    return /^(?:flags|Features)\s*:.*$/m.exec(readFileSync('/proc/cpuinfo', 'latin1'))?.[0] ?? '';
  } catch {
    return '';
  }
}
