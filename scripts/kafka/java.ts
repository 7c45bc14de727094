/** How the programs of Apache Kafka are run: on the Java that is in PATH, in little memory. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { messageOf, WindrowError } from '../../runtime/errors.ts';

/** Kafka 4's brokers are compiled for it. */
const javaMin = 17;
/** It takes 0.1 s on an idle machine. */
const versionMsMax = 30_000;
/** Of what Java said, for a failure's hint. */
const tailChars = 2_000;
const installIt = 'Install one (Debian: apt-get install default-jre-headless).';

/** Kafka as it lies on this machine. */
export interface Installation {
  /** As `java -cp` takes it. */
  readonly classPath: string;
  /**
   * Kafka's classes as the JVM has them in memory (class data sharing): a broker starts three times
   * as fast with it. While it is not `made`, a broker writes it when it ends. Undefined: without.
   */
  readonly archive: { readonly path: string; readonly made: boolean } | undefined;
}

/**
 * What `java -version` says.
 * @throws WindrowError `input` when there is no Java, one that is too old, or one that does not work
 */
export function javaVersion(): string {
  if (!isInPath('java')) throw noJava('there is none in PATH', installIt);
  const bound = { timeout: versionMsMax, killSignal: 'SIGKILL' } as const;
  const ended = spawnSync('java', ['-version'], { encoding: 'utf8', ...bound });
  // Up to Java 8 it was 1.8.0.
  const found = ended.status === 0 ? /version "(?:1\.)?(\d+)/.exec(ended.stderr)?.[1] : undefined;
  if (found !== undefined && Number(found) >= javaMin) return ended.stderr;
  if (found !== undefined) throw noJava(`the one in PATH is Java ${found}`, installIt);
  const { stdout, stderr, error, status, signal } = ended;
  // It may not have run at all.
  const said = `${stdout ?? ''}${stderr ?? ''}`.trim().slice(-tailChars);
  const how =
    error === undefined ? `It ended (${signal ?? `exit code ${status}`})` : messageOf(error);
  const why = said === '' ? how : `It said: ${said.replaceAll(/\s*\n\s*/g, '\n  ')}`;
  throw noJava('the one in PATH does not work', `${why}\n  Mend it, or install another one.`);
}

function noJava(what: string, hint: string): WindrowError {
  return new WindrowError('input', `Apache Kafka needs Java ${javaMin} or newer: ${what}`, {
    hint,
  });
}

/** Whether it is there, be it that it cannot be run: the system tells that as if it were not. */
export function isInPath(program: string): boolean {
  const folders = (process.env['PATH'] ?? '').split(delimiter);
  return folders.some((folder) => existsSync(join(folder, program)));
}

/** Fast to start and small, which is what trying out and tests want of it. */
const SMALL = ['-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1'];
/** The JVM's own warnings go to stdout otherwise. */
const QUIET = ['-Xlog:disable', '-Xlog:all=error:stderr'];

/** @param logPath where the broker logs */
export function brokerArguments(
  { classPath, archive }: Installation,
  propertiesPath: string,
  logPath: string,
): string[] {
  const log4j = fileURLToPath(new URL('log4j2.xml', import.meta.url));
  const memory = ['-Xms64m', '-Xmx512m', '-XX:+ExitOnOutOfMemoryError'];
  const sharing = archive?.made === true ? 'SharedArchiveFile' : 'ArchiveClassesAtExit';
  const shared = archive === undefined ? [] : [`-XX:${sharing}=${archive.path}`];
  const log = [`-Dlog4j2.configurationFile=${log4j}`, `-Dwindrow.log=${logPath}`];
  const broker = ['-cp', classPath, 'kafka.Kafka', propertiesPath];
  return [...SMALL, ...memory, ...shared, ...QUIET, ...log, ...broker];
}

/** Kafka's own tool that prepares a data folder. */
export function formatArguments(
  { classPath, archive }: Installation,
  args: readonly string[],
): string[] {
  const sharing = archive?.made === true ? [`-XX:SharedArchiveFile=${archive.path}`] : [];
  const tool = ['-cp', classPath, 'kafka.tools.StorageTool', 'format', ...args];
  return [...SMALL, '-Xmx128m', ...sharing, ...QUIET, ...tool];
}
