/** How the programs of Apache Kafka are run: on the Java that is in PATH, in little memory. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { WindrowError } from '../../runtime/errors.ts';

/** Kafka 4's brokers are compiled for it. */
const javaMin = 17;

/** Kafka as it lies on this machine. */
export interface Installation {
  /** As `java -cp` takes it. */
  readonly classPath: string;
  /**
   * Kafka's classes as the JVM has them in memory (class data sharing): a broker starts three times
   * as fast with it. While it is not `made`, a broker writes it when it ends.
   */
  readonly archive: { readonly path: string; readonly made: boolean };
}

/**
 * What `java -version` says.
 * @throws WindrowError `input` when there is no Java, or one that is too old
 */
export function javaVersion(): string {
  const { stderr, error } = spawnSync('java', ['-version'], { encoding: 'utf8' });
  const found = error === undefined ? /version "(\d+)/.exec(stderr)?.[1] : undefined;
  if (found !== undefined && Number(found) >= javaMin) return stderr;
  const what = found === undefined ? 'there is none in PATH' : `the one in PATH is Java ${found}`;
  throw new WindrowError('input', `Apache Kafka needs Java ${javaMin} or newer: ${what}`, {
    hint: `Install one (Debian: apt-get install default-jre-headless).`,
  });
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
  const sharing = archive.made ? 'SharedArchiveFile' : 'ArchiveClassesAtExit';
  const log4j = fileURLToPath(new URL('log4j2.xml', import.meta.url));
  const memory = ['-Xms64m', '-Xmx512m', '-XX:+ExitOnOutOfMemoryError'];
  const shared = [`-XX:${sharing}=${archive.path}`, ...QUIET];
  const log = [`-Dlog4j2.configurationFile=${log4j}`, `-Dwindrow.log=${logPath}`];
  const broker = ['-cp', classPath, 'kafka.Kafka', propertiesPath];
  return [...SMALL, ...memory, ...shared, ...log, ...broker];
}

/** Kafka's own tool that prepares a data folder. */
export function formatArguments(
  { classPath, archive }: Installation,
  args: readonly string[],
): string[] {
  const sharing = archive.made ? [`-XX:SharedArchiveFile=${archive.path}`] : [];
  const tool = ['-cp', classPath, 'kafka.tools.StorageTool', 'format', ...args];
  return [...SMALL, '-Xmx128m', ...sharing, ...QUIET, ...tool];
}
