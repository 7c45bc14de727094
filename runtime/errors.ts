/**
 * Errors that windrow expects. `code` is a closed union, `hint` tells the operator what to do and
 * names the flag or key that mends it, `retryable` says whether the same call may succeed later.
 */
export type ErrorCode =
  | 'usage'
  | 'config'
  | 'input'
  | 'port_in_use'
  | 'unreachable'
  | 'refused'
  | 'unauthorized'
  | 'overloaded'
  | 'store_unavailable'
  | 'store_newer'
  | 'no_room'
  | 'aborted';

export interface ErrorDetails {
  readonly hint?: string;
  readonly cause?: unknown;
  readonly retryable?: boolean;
  /** How long the other side asks to wait before a retry. */
  readonly retryAfterMs?: number;
  /** What is behind it, where that is the same whatever was tried; else the message. */
  readonly fault?: string;
  /**
   * Mostly it is over, or the next try shows better what it is, within this: who goes on trying tells
   * it only when it lasts longer.
   */
  readonly graceMs?: number;
}

export class WindrowError extends Error {
  override readonly name = 'WindrowError';
  readonly code: ErrorCode;
  readonly hint: string | undefined;
  readonly retryable: boolean;
  readonly retryAfterMs: number | undefined;
  readonly fault: string;
  readonly graceMs: number;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.hint = details.hint;
    this.retryable = details.retryable ?? false;
    this.retryAfterMs = details.retryAfterMs;
    this.fault = details.fault ?? message;
    this.graceMs = details.graceMs ?? 0;
  }
}

/** Exit codes of every command (78 is EX_CONFIG of sysexits.h). */
export const EXIT = { ok: 0, failure: 1, usage: 2, config: 78 } as const;

export function exitCodeOf(error: unknown): number {
  if (!(error instanceof WindrowError)) return EXIT.failure;
  if (error.code === 'usage') return EXIT.usage;
  if (error.code === 'config') return EXIT.config;
  return EXIT.failure;
}

/** The message of anything that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The `code` of a Node system error (`ENOENT`), or undefined. */
export function systemCodeOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}

/** Why a file that somebody named cannot be read, in a person's words where these are known. */
export function fileTroubleOf(error: unknown): string {
  const code = systemCodeOf(error);
  if (code === 'ENOENT') return 'there is no such file';
  if (code === 'EISDIR') return 'it is a folder';
  if (code === 'EACCES') return 'this user may not read it';
  return messageOf(error);
}
