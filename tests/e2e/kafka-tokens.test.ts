/** What a token is for where samples come from Kafka, as the programs tell it; no broker is needed. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { run, startCollector, tempDir } from '../support/programs.ts';

const env = { WINDROW_TRANSPORT: 'kafka', WINDROW_BROKERS: '127.0.0.1:1' };

it('the collector’s doctor asks for none, and with HTTP it does', async () => {
  using data = tempDir();
  const verb = ['doctor', '--listen', '0.0.0.0', '--port', '0', '--data', data.path];
  const kafka = await run('collector', verb, { env });
  expect(kafka.stdout).toMatch(/^OK {4}token {5}none yet; .*not for agents on Kafka$/m);
  expect(kafka.stdout).not.toContain('token create');
  // Of two clocks, the brokers' alone is called that.
  expect(kafka.stdout.match(/^\S+ +clock /gm)).toHaveLength(1);
  expect(kafka.stdout).toMatch(/^OK {4}servers {3}none heard yet$/m);
  const direct = await run('collector', verb);
  expect(direct.stdout).toMatch(/^WARN {2}token {5}none yet: no agent can send\n.*token create/m);
});

it('`token create` prints what works: files over HTTP, samples by Kafka', async () => {
  using data = tempDir();
  const verb = ['token', 'create', '--listen', '0.0.0.0', '--data', data.path];
  const { code, stdout } = await run('collector', verb, { env });
  expect(code).toBe(0);
  expect(stdout).toContain(' run --kafka 127.0.0.1:1\n');
  expect(stdout).toMatch(/windrow\.token\) && \S.* send PATH --to http:\S+ --token-file/);
  expect(stdout).not.toContain('run --to');
});

it('the agent’s doctor: the token is accepted, and samples go by Kafka', async () => {
  using data = tempDir();
  const args = ['--listen', '0.0.0.0'];
  await using collector = await startCollector({ dataDir: data.path, args, env });
  const url = `http://127.0.0.1:${new URL(collector.url).port}`;
  const created = await run('collector', ['token', 'create', '--data', data.path], { env });
  const tokenFile = join(data.path, 'token');
  const verb = ['doctor', '--to', url, '--data', data.path, '--token-file', tokenFile];
  const token = /echo (\S+) /.exec(created.stdout)?.[1] ?? '';
  writeFileSync(tokenFile, token);
  const right = await run('agent', verb);
  expect(right.stdout).toMatch(
    /^OK {4}token {5}accepted\nFAIL {2}samples .* from Kafka.*\n +→ .*--kafka/m,
  );
  expect(right.code).toBe(1);
  writeFileSync(tokenFile, `${token}x`);
  const wrong = await run('agent', verb);
  expect(wrong.stdout).toMatch(
    /^FAIL {2}token .* 401.*\n.*token create.*\n- {5}samples {3}not checked$/m,
  );
});
