/** V8's compiled code inside the executables is of use: no piece is parsed, under whatever flags it is loaded. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { FleetView } from '../../collector/api/contract.ts';
import { eventually, getJson } from '../support/http.ts';
import { run, startAgent, startCollector, tempDir } from '../support/programs.ts';

const env = { NODE_DEBUG: 'windrow-pieces' };

/** The pieces that were loaded, by what V8 did with them. */
function piecesIn(log: string) {
  const told = [...log.matchAll(/^WINDROW-PIECES \d+: (compiled|parsed) (\S+)$/gm)];
  const those = (how: string) => told.filter((line) => line[1] === how).map((line) => line[2]);
  return { compiled: those('compiled'), parsed: those('parsed') };
}

it.each(['agent', 'collector'] as const)('%s version', async (name) => {
  const { stderr } = await run(name, ['version'], { env });
  const { compiled, parsed } = piecesIn(stderr);
  expect(parsed).toEqual([]);
  expect(compiled).toContain(name === 'agent' ? 'agent/launch.js' : 'collector/main.js');
});

it('agent run and send, collector serve, and the threads of both', async () => {
  using folder = tempDir();
  const files = join(folder.path, 'files');
  mkdirSync(files);
  writeFileSync(join(files, 'file'), 'windrow'.repeat(100_000));
  await using collector = await startCollector({ env });
  await using agent = await startAgent({ to: collector.url, env });
  await eventually(async () => {
    const fleet = await getJson<FleetView>(`${collector.url}/api/fleet`);
    expect(fleet.servers).toHaveLength(1);
  }, 30_000);
  const send = ['send', '--to', collector.url, '--data', join(folder.path, 'data'), files];
  const sent = await run('agent', send, { env });
  expect(sent.code, sent.stderr).toBe(0);
  await agent.stop();
  await collector.stop();

  const ofAgent = piecesIn(agent.log());
  const ofSend = piecesIn(sent.stderr);
  const ofCollector = piecesIn(collector.log());
  expect([...ofAgent.parsed, ...ofSend.parsed, ...ofCollector.parsed]).toEqual([]);
  // Those of the child that checks the settings are about twenty.
  expect(ofAgent.compiled.length).toBeGreaterThan(30);
  expect(ofSend.compiled).toContain('blocks/sending/pipeline/worker.js');
  expect(ofCollector.compiled).toContain('blocks/receiving/threads/thread.js');
});
