import { Command } from 'commander';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { DatabaseSync } from 'node:sqlite';
import { settingsOf, withSettings } from '../../runtime/config/flags.ts';
import { type Check, checkDataFolder, type Finding, runChecks } from '../../runtime/doctor.ts';
import { EXIT, messageOf, systemCodeOf } from '../../runtime/errors.ts';
import { createLogger } from '../../runtime/logging.ts';
import { plural } from '../../runtime/plural.ts';
import { watchUse } from '../../wire/transport/kafka/block-use.ts';
import { checksOfIdleBrokers } from '../../wire/transport/kafka/connection.ts';
import { openKafkaLog } from '../../wire/transport/kafka/log.ts';
import { loadAlertsFile } from '../alerts/rules/load.ts';
import { isLoopback } from '../api/access.ts';
import { AccessFiles } from '../api/access-files.ts';
import { brokerUse } from '../cluster/topics.ts';
import {
  alertsPath,
  checkSettings,
  clientId,
  COLLECTOR_SPEC,
  type CollectorConfig,
} from '../config.ts';
import { linksFinding } from '../page-url.ts';
import { commonOffset, offsetText } from '../ingest/own-clock.ts';
import { readRunning } from '../running.ts';
import { databasePath, openForReading } from '../store/database.ts';
import { SERVE_FLAGS } from './serve.ts';

const certificateDaysMin = 14;
/** Who was heard within it tells how the clocks are now. */
const heardMsMax = 2 * 60_000;

export function doctorCommand(): Command {
  const command = withSettings(new Command('doctor'), COLLECTOR_SPEC, SERVE_FLAGS)
    .description('check what the collector needs, and say what to do')
    .action(async () => {
      const { values } = settingsOf(command, COLLECTOR_SPEC, 'collector');
      checkSettings(values);
      const checks = [...checksOf(values), ...(await checksOfBrokers(values))];
      const good = await runChecks(checks, (text) => process.stdout.write(text));
      if (!good) process.exitCode = EXIT.failure;
    });
  return command;
}

async function checksOfBrokers(config: CollectorConfig): Promise<Check[]> {
  if (config.transport !== 'kafka') return checksOfIdleBrokers(config);
  const log = await createLogger('windrow-collector', 'silent');
  const admin = openKafkaLog(config, clientId, log).admin();
  return admin.checks(brokerUse(config), watchUse(config));
}

function checksOf(config: CollectorConfig): Check[] {
  const checks: Check[] = [
    { name: 'port', run: () => checkPort(config) },
    { name: 'disk', run: async () => checkDataFolder(config.data) },
    { name: 'store', run: async () => checkStore(config) },
    { name: 'servers', run: async () => checkOwnClock(config) },
    { name: 'token', run: async () => checkTokens(config) },
    { name: 'alerts', run: async () => checkAlerts(config) },
  ];
  const certFile = config['tls.cert_file'];
  if (certFile !== undefined) {
    checks.push({ name: 'tls', run: async () => checkCertificate(certFile) });
  }
  const links = linksFinding(config, config.port);
  if (links !== undefined) checks.push({ name: 'links', run: async () => links });
  return checks;
}

/** Ours already, or free. */
async function checkPort({ data, listen, port }: CollectorConfig): Promise<Finding> {
  const server = createServer();
  try {
    server.listen({ host: listen, port });
    await once(server, 'listening');
    return { status: 'ok', message: `${listen}:${port} is free` };
  } catch (error) {
    const running = readRunning(data);
    if (systemCodeOf(error) === 'EADDRINUSE' && running !== undefined) {
      return { status: 'ok', message: `the collector runs: ${running.url} (pid ${running.pid})` };
    }
    return {
      status: 'fail',
      message: `${listen}:${port}: ${messageOf(error)}`,
      advice: 'Choose another port with --port (port), or address with --listen (listen).',
    };
  } finally {
    server.close();
  }
}

function checkStore(config: CollectorConfig): Finding {
  return fromStore(config, 'none yet: it is made when the collector starts', (db) => {
    const row = db.prepare('SELECT count(*) AS servers FROM sources').get();
    return { status: 'ok', message: plural(Number(row?.['servers']), 'server') };
  });
}

/** As the servers that were heard lately tell, where several do. The brokers' clock is a check of its own. */
function checkOwnClock(config: CollectorConfig): Finding {
  return fromStore(config, 'none heard yet', (db) => {
    const rows = db
      .prepare(
        `SELECT json_extract(state, '$.clockOffsetMs') AS offset_ms FROM sources
         WHERE replay_id = '' AND last_seen_ms > ? AND offset_ms IS NOT NULL`,
      )
      .all(Date.now() - heardMsMax);
    const common = commonOffset(rows.map((row) => Number(row['offset_ms'])));
    if (common === undefined) {
      const heard = `${plural(rows.length, 'server')} heard lately`;
      const message = `${heard}, nothing tells that this machine's clock is wrong`;
      return { status: 'ok', message };
    }
    return {
      status: 'warn',
      message: offsetText(common),
      advice: "Set this machine's clock (NTP); until then these servers are in no fleet window.",
    };
  });
}

/** @param missing what there is to say before there is a store */
function fromStore(
  { data }: CollectorConfig,
  missing: string,
  find: (db: DatabaseSync) => Finding,
): Finding {
  if (!existsSync(databasePath(data))) return { status: 'ok', message: missing };
  const db = openForReading(data);
  try {
    return find(db);
  } finally {
    db.close();
  }
}

function checkTokens({ data, listen, transport }: CollectorConfig): Finding {
  if (isLoopback(listen)) return { status: 'ok', message: 'none is needed on loopback' };
  const count = new AccessFiles(data).tokenCount();
  if (count > 0) return { status: 'ok', message: `${count} made` };
  if (transport === 'kafka') {
    const others = 'to send files straight here, for monitor --to and for /metrics';
    return { status: 'ok', message: `none yet; one is needed ${others}, not for agents on Kafka` };
  }
  return {
    status: 'warn',
    message: 'none yet: no agent can send',
    advice: 'Make one with `windrow-collector token create`.',
  };
}

function checkAlerts(config: CollectorConfig): Finding {
  const { path, rules, notifiers } = loadAlertsFile(alertsPath(config));
  const names = Object.keys(notifiers).length;
  const message = `${plural(rules.length, 'rule')} and ${plural(names, 'notifier')} in ${path}`;
  return { status: 'ok', message };
}

function checkCertificate(path: string): Finding {
  const certificate = new X509Certificate(readFileSync(path));
  const daysLeft = Math.floor((Date.parse(certificate.validTo) - Date.now()) / 86_400_000);
  const message = `${certificate.subject.replaceAll('\n', ', ')}, ${plural(daysLeft, 'day')} left`;
  if (daysLeft >= certificateDaysMin) return { status: 'ok', message };
  return {
    status: daysLeft < 0 ? 'fail' : 'warn',
    message,
    advice: 'Renew it and restart the collector (tls.cert_file, tls.key_file).',
  };
}
