import { Command } from 'commander';
import { lookup } from 'node:dns/promises';
import { once } from 'node:events';
import { connect as connectTcp } from 'node:net';
import { settingsOf, withSettings } from '../../runtime/config/flags.ts';
import {
  type Check,
  checkDataFolder,
  checkSignal,
  type Finding,
  runChecks,
} from '../../runtime/doctor.ts';
import { EXIT, messageOf } from '../../runtime/errors.ts';
import { createLogger } from '../../runtime/logging.ts';
import { skewMsMax } from '../../wire/limits.ts';
import { WIRE_VERSION } from '../../wire/version.ts';
import { checksOfIdleBrokers } from '../../wire/transport/kafka/connection.ts';
import { encodeBatch } from '../../wire/records/batch.ts';
import type { Answer, DirectClient } from '../../wire/transport/direct/client.ts';
import { AGENT_SPEC, type AgentConfig } from '../config.ts';
import { checkConnection, clientId, connect, loadKafka, topicsOf } from '../connect.ts';
import { createSampler } from '../metrics/sampler.ts';
import { notCounted } from '../metrics/source.ts';
import { RUN_FLAGS } from './run.ts';

/** The status by which a collector tells that its samples come from Kafka; who asks may come in. */
const takenFromKafka = 409;

export function doctorCommand(): Command {
  const command = withSettings(new Command('doctor'), AGENT_SPEC, RUN_FLAGS)
    .description('check the way to the collector and this machine, and say what to do')
    .action(async () => {
      const { values } = settingsOf(command, AGENT_SPEC, 'agent');
      const print = (text: string): void => void process.stdout.write(text);
      const good =
        values.transport === 'kafka'
          ? await checkByKafka(values, print)
          : await check(values, print);
      if (!good) process.exitCode = EXIT.failure;
    });
  return command;
}

async function check(config: AgentConfig, print: (text: string) => void): Promise<boolean> {
  const client = connect(config);
  try {
    return await runChecks([...checksOf(config, client), ...checksOfMachine(config)], print);
  } finally {
    await client.close();
  }
}

async function checkByKafka(config: AgentConfig, print: (text: string) => void): Promise<boolean> {
  const { openKafkaLog, topicSpecs } = await loadKafka();
  const { filesUse } = await import('../../wire/transport/kafka/block-use.ts');
  checkConnection(config);
  const topics = topicSpecs(config, topicsOf(config));
  const use = { topics: topics.map((topic) => ({ topic, rights: ['Write'] as const })) };
  const admin = openKafkaLog(config, clientId, await createLogger(clientId, 'silent')).admin();
  return runChecks([...admin.checks(use, filesUse(config)), ...checksOfMachine(config)], print);
}

function checksOfMachine(config: AgentConfig): Check[] {
  return [
    ...checksOfIdleBrokers(config),
    { name: 'disk', run: async () => checkDataFolder(config.data) },
    { name: 'metrics', run: checkMetrics },
  ];
}

function checksOf(config: AgentConfig, client: DirectClient): Check[] {
  const url = new URL(config.to);
  const secure = url.protocol === 'https:';
  const checks: Check[] = [
    { name: 'name', run: () => checkName(url) },
    { name: 'port', run: () => checkPort(url), needs: 'name' },
    { name: 'clock', run: () => checkClock(client), needs: secure ? 'tls' : 'port' },
    { name: 'token', run: () => checkToken(client, config), needs: 'clock' },
    { name: 'samples', run: () => checkSamples(client), needs: 'token' },
  ];
  if (secure) {
    checks.splice(2, 0, { name: 'tls', run: () => checkTls(client, config), needs: 'port' });
  }
  return checks;
}

async function checkName(url: URL): Promise<Finding> {
  const host = url.hostname.replace(/^\[|\]$/g, '');
  try {
    const { address } = await lookup(host);
    return { status: 'ok', message: host === address ? host : `${host} is ${address}` };
  } catch (error) {
    return {
      status: 'fail',
      message: `${host} is not known: ${messageOf(error)}`,
      advice: 'Check the name in --to (to), or use the IP address of the collector.',
    };
  }
}

async function checkPort(url: URL): Promise<Finding> {
  const port = Number(url.port || (url.protocol === 'https:' ? 443 : 80));
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const socket = connectTcp({ host, port });
  try {
    await once(socket, 'connect', { signal: checkSignal() });
    return { status: 'ok', message: `${port} answers` };
  } catch (error) {
    const reason =
      error instanceof Error && error.name === 'AbortError' ? 'no answer' : messageOf(error);
    return {
      status: 'fail',
      message: `${host}:${port}: ${reason}`,
      advice:
        'Start the collector there; for other PCs it must run with --listen 0.0.0.0, and the firewall must let its port in.',
    };
  } finally {
    socket.destroy();
  }
}

async function checkTls(client: DirectClient, config: AgentConfig): Promise<Finding> {
  try {
    await client.request({ method: 'GET', path: '/healthz', signal: checkSignal() });
    return { status: 'ok', message: 'the certificate is trusted' };
  } catch (error) {
    return {
      status: 'fail',
      message: messageOf(error),
      advice:
        config.tls_ca_file === undefined
          ? 'Name the CA that signed the collector’s certificate with tls_ca_file in the configuration.'
          : `Check that ${config.tls_ca_file} is the CA that signed the collector’s certificate, and the name in --to (to).`,
    };
  }
}

async function checkClock(client: DirectClient): Promise<Finding> {
  const sentMs = Date.now();
  const answer = await client.request({ method: 'GET', path: '/healthz', signal: checkSignal() });
  const roundTripMs = Date.now() - sentMs;
  const theirMs = nowIn(answer.body);
  if (theirMs === undefined) {
    return {
      status: 'fail',
      message: `${client.url} answers, but is no windrow collector`,
      advice: 'Check host and port in --to (to).',
    };
  }
  const offsetMs = Math.round(sentMs + roundTripMs / 2 - theirMs);
  const message = `${Math.abs(offsetMs)} ms ${offsetMs < 0 ? 'behind' : 'ahead of'} the collector`;
  if (Math.abs(offsetMs) <= skewMsMax) return { status: 'ok', message };
  return {
    status: 'fail',
    message,
    advice: 'Set the clock, best by NTP: this machine is kept out of the fleet’s windows.',
  };
}

function nowIn(body: string): number | undefined {
  try {
    const { now } = JSON.parse(body) as { now?: unknown };
    return typeof now === 'number' ? now : undefined;
  } catch {
    return undefined;
  }
}

async function checkToken(client: DirectClient, config: AgentConfig): Promise<Finding> {
  const answer = await offerNothing(client);
  if (![200, takenFromKafka].includes(answer.status)) throw client.rejection(answer);
  const how = config.token_file === undefined ? 'none is needed' : 'accepted';
  return { status: 'ok', message: how };
}

/** A collector on Kafka takes no samples by HTTP, whoever sends them. */
async function checkSamples(client: DirectClient): Promise<Finding> {
  const answer = await offerNothing(client);
  if (answer.status !== 200) throw client.rejection(answer);
  return { status: 'ok', message: 'are taken' };
}

/** A batch without records: it is taken or refused like any other, and leaves nothing behind. */
function offerNothing(client: DirectClient): Promise<Answer> {
  const header = { v: WIRE_VERSION, sent_at: Date.now() } as const;
  return client.request({
    method: 'POST',
    path: '/v1/batches',
    body: Buffer.from(encodeBatch({ header, records: [] })),
    headers: ['content-type', 'application/x-ndjson'],
    signal: checkSignal(),
  });
}

async function checkMetrics(): Promise<Finding> {
  const sampler = createSampler();
  try {
    sampler.sample();
    await sampler.scanProcesses(checkSignal());
    const { unavailable = {} } = sampler.sample();
    const missing = Object.entries(unavailable).filter(([, reason]) => !EXPECTED.has(reason));
    if (missing.length === 0) return { status: 'ok', message: 'all can be read' };
    return {
      status: 'warn',
      message: missing.map(([metric, reason]) => `${metric}: ${reason}`).join('; '),
      advice: 'Run the agent as a user that may read these; it works without them.',
    };
  } finally {
    sampler.close();
  }
}

/** Reasons that the first reading has by its nature, and what the system has not. */
const EXPECTED: ReadonlySet<string> = new Set([
  'first_reading',
  'no_time_passed',
  'reset',
  notCounted,
]);
