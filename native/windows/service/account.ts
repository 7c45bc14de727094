/**
 * The account of a service that Windows makes up for it alone (a virtual account): it may do what any
 * user may, and has no password.
 */
import { createHash } from 'node:crypto';

export interface Account {
  /** As the service manager takes it. */
  readonly name: string;
  /** Its number for rights of files, before any service of that name is there. */
  readonly sid: string;
}

/** @param service name of the service */
export function accountOf(service: string): Account {
  const hash = createHash('sha1').update(Buffer.from(service.toUpperCase(), 'utf16le')).digest();
  const parts = [0, 4, 8, 12, 16].map((at) => hash.readUInt32LE(at));
  return { name: `NT SERVICE\\${service}`, sid: ['S-1-5-80', ...parts].join('-') };
}
