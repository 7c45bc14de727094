/** Files that settings name and somebody changes while a program runs: each try has what is in them then. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer as createTlsServer } from 'node:tls';
import { expect, it, onTestFinished } from 'vitest';
import { selfSigned } from '../../../runtime/testing/certificates.ts';
import { createKeptLog } from '../../../runtime/testing/kept-log.ts';
import { temporaryFolder } from '../../../runtime/testing/temporary-folder.ts';
import { KafkaClient } from './client.ts';
import { type KafkaConfig, kafkaSettings } from './connection.ts';
import { kafkaError } from './errors.ts';
import { KafkaProducer } from './producer.ts';
import { askingWho, listening } from './testing/login-broker.ts';

const untrusted = "the broker's certificate is signed by a CA that is not trusted here";
const closed = 'the broker closed the connection';
function settingsOf(brokers: readonly string[], config: Partial<KafkaConfig>) {
  const all = {
    brokers,
    'kafka.tls': false,
    'kafka.tls_ca_file': undefined,
    'kafka.sasl.mechanism': undefined,
    'kafka.sasl.username': undefined,
    'kafka.sasl.password_file': undefined,
    'kafka.partitions': 1,
    'kafka.replication': undefined,
    ...config,
  };
  return kafkaSettings(all, { clientId: 'test', env: {} });
}

function loginWith(file: string) {
  return {
    'kafka.sasl.mechanism': 'PLAIN',
    'kafka.sasl.username': 'me',
    'kafka.sasl.password_file': file,
  } as const;
}

/** What those are told who ask for metadata. */
async function troubleOf(client: KafkaClient): Promise<unknown> {
  return client.metadata([]).catch((error: unknown) => kafkaError(error, { what: 'it fails' }));
}

it('one client trusts by the CA’s file as it is at each try; what is wrong with it is told as its trouble', async () => {
  const { cert, key } = selfSigned(-1, 1);
  const server = createTlsServer({ cert, key }, (socket) => {
    socket.on('error', () => {}).on('data', () => socket.destroy());
  });
  const file = `${temporaryFolder()}/ca.pem`;
  writeFileSync(file, selfSigned(-1, 1).cert);
  const settings = settingsOf([await listening(server)], {
    'kafka.tls': true,
    'kafka.tls_ca_file': file,
  });
  const client = await KafkaClient.open(settings, { requestMsMax: 1_000 });
  onTestFinished(() => client.close());
  expect(await troubleOf(client)).toMatchObject({ message: `it fails: ${untrusted}` });

  for (const [change, trouble] of [
    [() => writeFileSync(file, 'garbage'), `${file} holds no certificate (PEM)`],
    [() => rmSync(file), `cannot read ${file}: there is no such file`],
    [() => mkdirSync(file), `cannot read ${file}: it is a folder`],
  ] as const) {
    change();
    expect(await troubleOf(client)).toMatchObject({
      message: `it fails: kafka.tls_ca_file: ${trouble}`,
      fault: `kafka.tls_ca_file: ${trouble}`,
      hint: expect.stringMatching(/^Name a file [^:]*(\.|: each begins with .*)$/) as string,
      code: 'unauthorized',
      retryable: true,
    });
  }

  rmSync(file, { recursive: true });
  writeFileSync(file, cert);
  expect(await troubleOf(client)).toMatchObject({ message: `it fails: ${closed}` });
});

it('one client logs in with the password that its file has at each try', async () => {
  const passwords: string[] = [];
  const server = askingWho((password) => void passwords.push(password));
  const file = `${temporaryFolder()}/password`;
  writeFileSync(file, 'first\n');
  const settings = settingsOf([await listening(server)], loginWith(file));
  const client = await KafkaClient.open(settings, { requestMsMax: 1_000 });
  onTestFinished(() => client.close());
  expect(await troubleOf(client)).toMatchObject({ message: `it fails: ${closed}` });

  for (const [change, trouble] of [
    [() => writeFileSync(file, '\n'), `${file} is empty`],
    [() => rmSync(file), `cannot read ${file}: there is no such file`],
  ] as const) {
    change();
    expect(await troubleOf(client)).toMatchObject({
      message: `it fails: kafka.sasl.password_file: ${trouble}`,
      fault: `kafka.sasl.password_file: ${trouble}`,
      hint: expect.not.stringContaining('Asked:') as string,
      code: 'unauthorized',
      retryable: true,
    });
  }

  writeFileSync(file, 'second\n');
  expect(await troubleOf(client)).toMatchObject({ message: `it fails: ${closed}` });
  expect(passwords).toEqual(['first', 'second']);
});

it('who writes is told the same of both files, and how to mend it', async () => {
  const folder = temporaryFolder();
  const { cert } = selfSigned(-1, 1);
  const [ca, password] = [`${folder}/ca.pem`, `${folder}/password`];
  writeFileSync(ca, cert);
  writeFileSync(password, 'secret');
  const brokers = [await listening(askingWho(() => undefined))];
  for (const [key, file, config] of [
    ['kafka.tls_ca_file', ca, { 'kafka.tls': true, 'kafka.tls_ca_file': ca }],
    ['kafka.sasl.password_file', password, loginWith(password)],
  ] as const) {
    const producer = new KafkaProducer(settingsOf(brokers, config), createKeptLog().log);
    onTestFinished(() => producer.close());
    rmSync(file);
    const sending = producer.send(
      [{ topic: 't', key: 'k', value: 'v' }],
      new AbortController().signal,
    );
    await expect(sending).rejects.toMatchObject({
      message: `t cannot be written: ${key}: cannot read ${file}: there is no such file`,
      hint: 'Name a file that this user may read.',
      retryable: true,
    });
  }
});
