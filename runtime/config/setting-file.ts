import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { fileTroubleOf, WindrowError } from '../errors.ts';

/** One that is cut off too. What else may be in such a file, as keys and comments, is passed over. */
const certificate =
  /-----BEGIN (?:X509 |TRUSTED )?CERTIFICATE-----[^-]*(?:-----END [A-Z0-9 ]+-----)?/g;

/** The text of a file that a setting names. @throws WindrowError `config`, naming the key */
export function readSettingFile(key: string, path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new WindrowError('config', `${key}: cannot read ${path}: ${fileTroubleOf(error)}`, {
      cause: error,
      hint: 'Name a file that this user may read.',
    });
  }
}

/**
 * The text of a file of certificates that a setting names. Whoever connects would pass over what is
 * none in silence, and then trust no one.
 *
 * @throws WindrowError `config`, naming the key
 */
export function readCertificates(key: string, path: string): string {
  const text = readSettingFile(key, path);
  const hint = 'Name a file of certificates as PEM: each begins with -----BEGIN CERTIFICATE-----.';
  const certificates = text.match(certificate) ?? [];
  if (certificates.length === 0) {
    throw new WindrowError('config', `${key}: ${path} holds no certificate (PEM)`, { hint });
  }
  for (const pem of certificates) {
    try {
      void new X509Certificate(pem);
    } catch (cause) {
      const message = `${key}: ${path} holds a certificate (PEM) that cannot be read`;
      throw new WindrowError('config', message, { cause, hint });
    }
  }
  return text;
}
