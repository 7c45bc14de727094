import { Command } from 'commander';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { settingsOf, withSettings } from '../../runtime/config/flags.ts';
import { type Check, checkDataFolder, type Finding, runChecks } from '../../runtime/doctor.ts';
import { EXIT, messageOf, systemCodeOf } from '../../runtime/errors.ts';
import { loadAlertsFile } from '../alerts/rules/load.ts';
import { isLoopback } from '../api/access.ts';
import { AccessFiles } from '../api/access-files.ts';
import { alertsPath, checkSettings, COLLECTOR_SPEC, type CollectorConfig } from '../config.ts';
import { readRunning } from '../running.ts';
import { databasePath, openForReading } from '../store/database.ts';
import { SERVE_FLAGS } from './serve.ts';

const certificateDaysMin = 14;

export function doctorCommand(): Command {
  const command = withSettings(new Command('doctor'), COLLECTOR_SPEC, SERVE_FLAGS)
    .description('check what the collector needs, and say what to do')
    .action(async () => {
      const { values } = settingsOf(command, COLLECTOR_SPEC, 'collector');
      checkSettings(values);
      const good = await runChecks(checksOf(values), (text) => process.stdout.write(text));
      if (!good) process.exitCode = EXIT.failure;
    });
  return command;
}

function checksOf(config: CollectorConfig): Check[] {
  const checks: Check[] = [
    { name: 'port', run: () => checkPort(config) },
    { name: 'disk', run: async () => checkDataFolder(config.data) },
    { name: 'store', run: async () => checkStore(config) },
    { name: 'token', run: async () => checkTokens(config) },
    { name: 'alerts', run: async () => checkAlerts(config) },
  ];
  const certFile = config['tls.cert_file'];
  if (certFile !== undefined) {
    checks.push({ name: 'tls', run: async () => checkCertificate(certFile) });
  }
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

function checkStore({ data }: CollectorConfig): Finding {
  if (!existsSync(databasePath(data))) return { status: 'ok', message: 'not made yet' };
  const db = openForReading(data);
  try {
    const row = db.prepare('SELECT count(*) AS servers FROM sources').get();
    return { status: 'ok', message: `${Number(row?.['servers'])} servers` };
  } finally {
    db.close();
  }
}

function checkTokens({ data, listen }: CollectorConfig): Finding {
  if (isLoopback(listen)) return { status: 'ok', message: 'none is needed on loopback' };
  const count = new AccessFiles(data).tokenCount();
  if (count > 0) return { status: 'ok', message: `${count} made` };
  return {
    status: 'warn',
    message: 'none yet: no agent can send',
    advice: 'Make one with `windrow-collector token create`.',
  };
}

function checkAlerts(config: CollectorConfig): Finding {
  const { path, rules, notifiers } = loadAlertsFile(alertsPath(config));
  const names = Object.keys(notifiers).length;
  return { status: 'ok', message: `${rules.length} rules and ${names} notifiers in ${path}` };
}

function checkCertificate(path: string): Finding {
  const certificate = new X509Certificate(readFileSync(path));
  const daysLeft = Math.floor((Date.parse(certificate.validTo) - Date.now()) / 86_400_000);
  const message = `${certificate.subject.replaceAll('\n', ', ')}, ${daysLeft} days left`;
  if (daysLeft >= certificateDaysMin) return { status: 'ok', message };
  return {
    status: daysLeft < 0 ? 'fail' : 'warn',
    message,
    advice: 'Renew it and restart the collector (tls.cert_file, tls.key_file).',
  };
}
