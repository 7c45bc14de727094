/** Logs: JSON lines on stderr, pretty on a terminal. stdout belongs to results. */
import { type Logger, pino } from 'pino';

export type { Logger } from 'pino';

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

const stderrFd = 2;

/** @param name the program's name, in every line. */
export async function createLogger(name: string, level: LogLevel): Promise<Logger> {
  const options = optionsOf(name, level);
  if (!process.stderr.isTTY) return pino(options, pino.destination({ fd: stderrFd, sync: true }));
  // Only a terminal pays for the pretty printer.
  const { default: pretty } = await import('pino-pretty');
  return pino(
    options,
    pretty({
      destination: stderrFd,
      sync: true,
      ignore: 'pid,hostname,name',
      messageFormat: `${name}: {msg}`,
      translateTime: 'SYS:HH:MM:ss',
    }),
  );
}

/** @param file takes whole lines */
export function createFileLogger(
  name: string,
  level: LogLevel,
  file: { write(line: string): void },
): Logger {
  return pino(optionsOf(name, level), file);
}

function optionsOf(name: string, level: LogLevel) {
  return { name, level, base: { name }, redact: ['token', 'authorization', 'cookie'] };
}
