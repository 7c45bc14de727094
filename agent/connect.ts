/** Makes the sending end from the configuration: address, token, trusted certificates. */
import { readFileSync } from 'node:fs';
import { messageOf, WindrowError } from '../runtime/errors.ts';
import { DirectClient } from '../wire/transport/direct/client.ts';

export interface ConnectSettings {
  readonly to: string;
  readonly token_file: string | undefined;
  readonly tls_ca_file: string | undefined;
}

/** @throws WindrowError `config`, naming the key whose file cannot be used */
export function connect(settings: ConnectSettings): DirectClient {
  const { to, token_file: tokenFile, tls_ca_file: caFile } = settings;
  return new DirectClient({
    url: to,
    token: tokenFile === undefined ? undefined : readToken(tokenFile),
    ca: caFile === undefined ? undefined : readSetting('tls_ca_file', caFile),
  });
}

function readToken(path: string): string {
  const token = readSetting('token_file', path).trim();
  // A token goes into a header: anything else than its own alphabet is not one.
  if (/^[A-Za-z0-9_-]{20,200}$/.test(token)) return token;
  throw new WindrowError('config', `token_file: ${path} holds no token`, {
    hint: 'It must hold the one line that `windrow-collector token create` shows.',
  });
}

function readSetting(key: string, path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new WindrowError('config', `${key}: ${messageOf(error)}`, {
      cause: error,
      hint: 'Name a file that this user may read.',
    });
  }
}
