/**
 * Reads for each connection what the settings have in files: the CA, and the password. So whoever
 * mends such a file, or puts another password into it, need not start the program again.
 */
import type { Base, Connection } from '@platformatic/kafka';
import type * as Library from '@platformatic/kafka';
import { WindrowError } from '../../../runtime/errors.ts';
import type { KafkaSettings } from './connection.ts';
import { amiss } from './words.ts';

/** For the library, which asks for the password at each login, also at those of one connection. */
export function loginBy({ mechanism, username, password }: NonNullable<KafkaSettings['sasl']>) {
  return { mechanism, username, password: () => asTrouble(password) };
}

/**
 * Lets each connection trust the CA that its file has then. It is read before the library connects:
 * of a connection whose options throw it would keep what never opens, and wait for that at each try.
 */
export function trustByFile(
  library: typeof Library,
  client: Base,
  { tls }: Pick<KafkaSettings, 'tls'>,
): void {
  if (tls === undefined) return;
  client.connections.on('connecting', (event: unknown) => {
    const { connection } = event as { connection: Connection };
    const connect = connection.connect.bind(connection);
    connection.connect = (host, port, connected) => {
      try {
        Object.assign(client[library.kOptions].tls ?? {}, trusting(asTrouble(tls.ca)));
      } catch (error) {
        return connected?.(error as Error);
      }
      return connect(host, port, connected);
    };
  });
}

/** A CA that is named is trusted beside those that Node trusts. */
function trusting(ca: string | undefined) {
  if (ca === undefined) return {};
  return { ca: [...process.getBuiltinModule('node:tls').getCACertificates(), ca] };
}

function asTrouble<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw error instanceof WindrowError ? amiss.settingsFile(error) : error;
  }
}
