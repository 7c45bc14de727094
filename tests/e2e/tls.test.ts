import http from 'node:http';
import { expect, it } from 'vitest';
import { makeCertificates } from '../support/certificates.ts';
import { eventually } from '../support/http.ts';
import { run, startAgent, startCollector, tempDir } from '../support/programs.ts';

it('with a certificate the one port speaks HTTPS alone, and an agent that trusts its CA sends', async () => {
  using folder = tempDir();
  const { ca, cert, key } = makeCertificates(folder.path);
  const env = { WINDROW_TLS_CERT_FILE: cert, WINDROW_TLS_KEY_FILE: key };
  await using collector = await startCollector({ env });
  expect(collector.url).toMatch(/^https:/);

  const trusting = { WINDROW_TLS_CA_FILE: ca };
  await using agent = await startAgent({ to: collector.url, env: trusting });
  await eventually(async () => {
    const exported = await run('collector', ['export', 'samples', '--data', collector.dataDir]);
    expect(exported.stdout.split('\n').length).toBeGreaterThan(3);
  });
  expect(await agent.stop()).toBe(0);
  expect(agent.log()).not.toContain('samples wait');

  const doctor = (env: Record<string, string>) =>
    run('agent', ['doctor', '--to', collector.url, '--data', folder.path], { env });
  const stranger = await doctor({});
  expect(stranger.stdout).toMatch(/^FAIL +tls .*\n +→ .*tls_ca_file/m);
  expect(stranger.code).toBe(1);
  const friend = await doctor(trusting);
  expect(friend.stdout).toMatch(/^OK +tls /m);
  expect(friend.code).toBe(0);

  const { port } = new URL(collector.url);
  const plain = new Promise((resolve, reject) => {
    http.get(`http://localhost:${port}/healthz`, resolve).on('error', reject);
  });
  await expect(plain).rejects.toThrow();
});
