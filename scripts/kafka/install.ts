/** Brings Apache Kafka to this machine, once: its jars by Maven, and its classes as the JVM shares them. */
import { execFile } from 'node:child_process';
import { createHash, randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { systemCodeOf, WindrowError } from '../../runtime/errors.ts';
import { KafkaCluster } from './cluster.ts';
import { type Installation, javaVersion } from './java.ts';

const POM = fileURLToPath(new URL('pom.xml', import.meta.url));
const CACHE = fileURLToPath(new URL('../../node_modules/.cache/windrow-kafka/', import.meta.url));
/** 44 MB. */
const fetchMsMax = 10 * 60_000;
/** Of what Maven said, for a failure's message. */
const tailChars = 2_000;

export interface InstallOptions {
  /** Where it is kept; in `node_modules/.cache` when not given. */
  readonly cacheDir?: string;
  /** Told what takes long, before it does. */
  readonly onStep?: (what: string) => void;
}

/**
 * @throws WindrowError `input` when Java or Maven is missing, `unreachable` when Maven cannot fetch
 */
export async function install(
  signal: AbortSignal,
  options: InstallOptions = {},
): Promise<Installation> {
  const { cacheDir = CACHE, onStep = () => {} } = options;
  const java = javaVersion();
  const folder = join(cacheDir, hashOf(readFileSync(POM)));
  const lib = join(folder, 'lib');
  if (!existsSync(lib)) {
    onStep('fetching Apache Kafka (44 MB, once)');
    await made(lib, (path) => fetchJars(path, signal));
  }
  const classPath = join(lib, '*');
  // Another Java reads no archive of this one.
  const archivePath = join(folder, `classes-${hashOf(java)}.jsa`);
  if (!existsSync(archivePath)) {
    onStep('preparing it for this Java (once)');
    await made(archivePath, (path) =>
      writeArchive({ classPath, archive: { path, made: false } }, signal),
    );
  }
  // One that had to be killed leaves none, nor does a JVM that cannot: it only makes starts quicker.
  const isMade = existsSync(archivePath);
  return { classPath, archive: isMade ? { path: archivePath, made: true } : undefined };
}

/** Of the Kafka that `install` brings. */
export function kafkaVersion(): string {
  const pom = readFileSync(POM, 'utf8');
  const version = /<artifactId>kafka_[^<]*<\/artifactId>\s*<version>([^<]+)</.exec(pom)?.[1];
  if (version === undefined) throw new Error(`${POM} names no Kafka`);
  return version;
}

function hashOf(content: string | Buffer): string {
  return createHash('sha256').update(content).digest('hex').slice(0, 16);
}

/** Makes a file or folder whole or not at all, as when `make` leaves none; of two who do at once, one is kept. */
async function made(path: string, make: (path: string) => Promise<void>): Promise<void> {
  const part = `${path}.${randomUUID()}.part`;
  mkdirSync(dirname(path), { recursive: true });
  try {
    await make(part);
    if (existsSync(part)) renameSync(part, path);
  } catch (error) {
    // A folder is not renamed onto one that is there: then the other was first.
    if (!['ENOTEMPTY', 'EEXIST'].includes(systemCodeOf(error) ?? '')) throw error;
  } finally {
    rmSync(part, { recursive: true, force: true });
  }
}

async function fetchJars(folder: string, signal: AbortSignal): Promise<void> {
  const goal = ['dependency:copy-dependencies', '-DincludeScope=runtime'];
  const args = [
    '-q',
    '-B',
    '--strict-checksums',
    '-f',
    POM,
    ...goal,
    `-DoutputDirectory=${folder}`,
  ];
  try {
    await promisify(execFile)('mvn', args, { signal, timeout: fetchMsMax });
  } catch (error) {
    signal.throwIfAborted();
    if (systemCodeOf(error) === 'ENOENT') {
      throw new WindrowError(
        'input',
        'fetching Apache Kafka needs Maven: there is no mvn in PATH',
        {
          hint: 'Install it (Debian: apt-get install maven).',
        },
      );
    }
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string };
    throw new WindrowError('unreachable', 'Maven could not fetch Apache Kafka', {
      cause: error,
      hint: `It said: ${`${stdout}\n${stderr}`.trim().slice(-tailChars)}`,
    });
  }
}

/** A broker that is started once writes, at its end, the classes that it used; not every one does. */
async function writeArchive(installation: Installation, signal: AbortSignal): Promise<void> {
  const cluster = await KafkaCluster.start(installation, {}, signal);
  await cluster.stop();
}
