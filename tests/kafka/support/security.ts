/** Brokers that ask who is there: SASL, TLS and ACLs, as options of a cluster. */
import { pbkdf2Sync, randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import type { ClusterOptions } from '../../../scripts/kafka/cluster.ts';
import type { Settings } from '../../../scripts/kafka/properties.ts';
import { KafkaClient } from '../../../wire/transport/kafka/client.ts';
import { type Certificates, makeCertificates } from '../../support/certificates.ts';

export interface User {
  readonly name: string;
  readonly password: string;
}

const MODULES = 'org.apache.kafka.common.security';

/**
 * Clients must be one of the users, by PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512.
 * @param tls a keystore's settings (`makeTls`); without it the connection is plain
 */
export function saslOptions(
  users: readonly User[],
  tls?: Settings,
): Required<Pick<ClusterOptions, 'listener' | 'scramUsers'>> {
  const plain = users.map(({ name, password }) => ` user_${name}="${password}"`).join('');
  const scram = `${MODULES}.scram.ScramLoginModule required;`;
  return {
    listener: {
      protocol: tls === undefined ? 'SASL_PLAINTEXT' : 'SASL_SSL',
      settings: {
        'sasl.enabled.mechanisms': 'PLAIN,SCRAM-SHA-256,SCRAM-SHA-512',
        'plain.sasl.jaas.config': `${MODULES}.plain.PlainLoginModule required${plain};`,
        'scram-sha-256.sasl.jaas.config': scram,
        'scram-sha-512.sasl.jaas.config': scram,
        ...tls,
      },
    },
    scramUsers: users.flatMap(({ name, password }) =>
      ['SCRAM-SHA-256', 'SCRAM-SHA-512'].map(
        (mechanism) => `${mechanism}=[name=${name},password=${password}]`,
      ),
    ),
  };
}

/** Certificates for 127.0.0.1 in the folder. @returns them, and a listener's settings with them */
export function makeTls(folder: string): { certificates: Certificates; settings: Settings } {
  const certificates = makeCertificates(folder);
  const keystore = `${folder}/keystore.pem`;
  const { key, cert } = certificates;
  writeFileSync(keystore, readFileSync(key, 'utf8') + readFileSync(cert, 'utf8'), { mode: 0o600 });
  const settings = { 'ssl.keystore.type': 'PEM', 'ssl.keystore.location': keystore };
  return { certificates, settings };
}

/** Nothing is allowed that no ACL allows. Whoever comes by the internal port may do everything. */
export const aclSettings: Settings = {
  'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
  'super.users': 'User:ANONYMOUS',
};

/** Kafka's numbers for them, and what it takes at least. */
const scramSha512 = 2;
const iterations = 4_096;

/** Gives a user that is there another password, for SCRAM-SHA-512. @param broker its internal port's address */
export async function setPassword(broker: string, { name, password }: User): Promise<void> {
  const salt = randomBytes(16);
  const saltedPassword = pbkdf2Sync(password, salt, iterations, 64, 'sha512');
  const settings = { brokers: [broker], clientId: 'test', tls: undefined, sasl: undefined };
  const client = await KafkaClient.open(settings, { requestMsMax: 10_000 });
  try {
    const set = { name, mechanism: scramSha512, iterations, salt, saltedPassword };
    await client.call('AlterUserScramCredentials', 'any', [], [set]);
  } finally {
    await client.close();
  }
}
