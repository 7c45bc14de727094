/**
 * NIST's vectors for SHA-256 (CAVP, CAVS 11.1, byte-oriented), as the package cryptography_vectors
 * of PyPI ships them.
 */
import { readFileSync } from 'node:fs';

export interface Vector {
  readonly message: Buffer;
  readonly digest: string;
}

export const shortMessages = (): Vector[] => vectorsOf('SHA256ShortMsg.rsp');
export const longMessages = (): Vector[] => vectorsOf('SHA256LongMsg.rsp');

/** Each digest is what a thousand hashes come to, and the seed of the next thousand. */
export function monteCarlo(): { readonly seed: string; readonly digests: readonly string[] } {
  const text = read('SHA256Monte.rsp');
  const seed = /^Seed = (\w+)/m.exec(text)?.[1] ?? '';
  return { seed, digests: [...text.matchAll(/^MD = (\w+)/gm)].map(([, digest = '']) => digest) };
}

function vectorsOf(name: string): Vector[] {
  const found = read(name).matchAll(/^Len = (\d+)\s+Msg = (\w+)\s+MD = (\w+)/gm);
  return [...found].map(([, bits, message = '', digest = '']) => ({
    // An empty message is written as one byte.
    message: Buffer.from(message, 'hex').subarray(0, Number(bits) / 8),
    digest,
  }));
}

function read(name: string): string {
  return readFileSync(new URL(`./cavp/${name}`, import.meta.url), 'latin1');
}
