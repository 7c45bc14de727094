/** The address of the page, as people and other collectors are told it. */
import { writeFileSync } from 'node:fs';
import http from 'node:http';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { makeCertificates } from '../support/certificates.ts';
import { run, startCollector, tempDir } from '../support/programs.ts';

const kafka = { WINDROW_TRANSPORT: 'kafka', WINDROW_BROKERS: '127.0.0.1:1' };
const page = 'https://monitor.example.org';
const alone = 'is reached from this machine alone';
const BEYOND = ['--listen', '0.0.0.0'];

function statusOf(url: string, host: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    http
      .get(url, { headers: { host } }, (response) => {
        response.resume();
        resolve(response.statusCode);
      })
      .on('error', reject);
  });
}

describe.concurrent('the address of the page', () => {
  it('of a collector on Kafka that others cannot reach is told once in the log, and by doctor', async () => {
    await using collector = await startCollector({ env: kafka });
    const doctor = await run('collector', ['doctor', '--data', collector.dataDir], { env: kafka });
    expect(doctor.stdout).toMatch(/^WARN +links +http:\/\/localhost:7861 .*\n +→ .*--url/m);
    await collector.stop();
    expect(collector.log().split(`${collector.url} ${alone}`)).toHaveLength(2);
  });

  it('is told by doctor, and nothing in the log, where it is one for others', async () => {
    await using collector = await startCollector({ args: ['--url', page], env: kafka });
    const verb = ['doctor', '--data', collector.dataDir, '--url', page];
    const doctor = await run('collector', verb, { env: kafka });
    expect(doctor.stdout).toMatch(/^OK +links +.* link to https:\/\/monitor\.example\.org$/m);
    await collector.stop();
    expect(collector.log()).not.toContain(alone);
  });

  it('is nothing to tell of where agents send directly', async () => {
    await using collector = await startCollector();
    const doctor = await run('collector', ['doctor', '--data', collector.dataDir]);
    expect(doctor.stdout).not.toMatch(/^\S+ +links /m);
    await collector.stop();
    expect(collector.log()).not.toContain(alone);
  });

  it('is in the links for people, and served under its name', async () => {
    await using collector = await startCollector({ args: [...BEYOND, '--url', page] });
    expect(collector.entryUrl).toMatch(new RegExp(`^${page}/enter\\?code=`));
    const link = await run('collector', ['token', 'link', '--data', collector.dataDir]);
    expect(link.stdout).toMatch(new RegExp(`^${page}/enter\\?code=`));
    const port = Number(new URL(collector.url).port);
    const here = `http://127.0.0.1:${port}/healthz`;
    expect(await statusOf(here, 'monitor.example.org')).toBe(200);
    expect(await statusOf(here, 'evil.example')).toBe(403);
  });

  it('has the name of the certificate, where there is one among the hosts', async () => {
    using folder = tempDir();
    const { cert, key } = makeCertificates(folder.path);
    const env = {
      WINDROW_TLS_CERT_FILE: cert,
      WINDROW_TLS_KEY_FILE: key,
      WINDROW_HOSTS: 'monitor.example.org',
    };
    await using collector = await startCollector({ args: BEYOND, env });
    const { port } = new URL(collector.url);
    const created = await run('collector', ['token', 'create', '--data', collector.dataDir]);
    expect(created.stdout).toContain(` --to ${page}:${port} `);
  });

  it('is a setting like any other: checked, shown, and of its flag', async () => {
    using folder = tempDir();
    const config = join(folder.path, 'own.yaml');
    writeFileSync(config, `url: ${page}\n`);
    const show = await run('collector', ['config', 'show', '--config', config]);
    expect(show.stdout).toMatch(new RegExp(`^url +${page} +# .*own\\.yaml$`, 'm'));
    const flag = await run('collector', ['config', 'check', '--url', `${page}/windrow`]);
    expect([flag.code, flag.stderr]).toEqual([
      2,
      expect.stringMatching(/--url must be an address such as https:.*, not "https:.*windrow"/),
    ]);
    writeFileSync(config, 'url: monitor.example.org\n');
    const file = await run('collector', ['config', 'check', '--config', config]);
    expect([file.code, file.stderr]).toEqual([78, expect.stringMatching(/own\.yaml: url must be/)]);
  });
});
