/**
 * Who may come in, as files under the data folder that commands and the running collector share:
 *
 *   collector/tokens.json    what agents show; only SHA-256 hashes are kept
 *   collector/links/<hash>   one-time links to the page: using one removes its file, which is atomic
 *   collector/sessions.json  browsers that came in by a link; hashes again
 */
import { createHash, randomBytes } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, rmSync, statSync, unlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { makeFolderDurably, writeFileDurably } from '../../runtime/durable-file.ts';
import { messageOf, systemCodeOf, WindrowError } from '../../runtime/errors.ts';
import { collectorFolder } from '../store/database.ts';

const linkMsMax = 60 * 60 * 1000;
export const sessionMsMax = 30 * 24 * 60 * 60 * 1000;
/** Browsers that are remembered; the oldest must come in by a new link. */
const sessionsMax = 1_000;
const tokensMax = 10_000;

const tokensSchema = z.array(
  z.object({ name: z.string(), sha256: z.string(), created_at: z.string() }),
);
const sessionsSchema = z.array(z.object({ sha256: z.string(), until_ms: z.number() }));

type Token = z.infer<typeof tokensSchema>[number];
type Session = z.infer<typeof sessionsSchema>[number];

export class AccessFiles {
  readonly #folder: string;
  #tokens: ReadonlySet<string> = new Set();
  #tokensVersion = '';
  #sessions: Session[] | undefined;

  constructor(dataDir: string) {
    this.#folder = collectorFolder(dataDir);
  }

  /** Makes a token for an agent. @returns the token, which is kept nowhere else. */
  createToken(name: string, nowMs: number): string {
    const tokens = this.#readTokens();
    if (tokens.length >= tokensMax) {
      throw new WindrowError('input', `${this.#tokensPath} holds ${tokensMax} tokens already`, {
        hint: 'Remove those that no agent uses any more from that file.',
      });
    }
    const secret = newSecret();
    tokens.push({ name, sha256: hashOf(secret), created_at: new Date(nowMs).toISOString() });
    this.#write(this.#tokensPath, `${JSON.stringify(tokens, null, 2)}\n`);
    return secret;
  }

  tokenCount(): number {
    return this.#readTokens().length;
  }

  isToken(secret: string): boolean {
    const version = versionOf(this.#tokensPath);
    if (version !== this.#tokensVersion) {
      this.#tokens = new Set(this.#readTokens().map((token) => token.sha256));
      this.#tokensVersion = version;
    }
    return this.#tokens.has(hashOf(secret));
  }

  /** Makes a link's code that opens the page once, within an hour. */
  createLink(nowMs: number): string {
    const secret = newSecret();
    this.#removeOldLinks(nowMs);
    this.#write(join(this.#linksFolder, hashOf(secret)), String(nowMs + linkMsMax));
    return secret;
  }

  /** Uses a link up. @returns whether it was good */
  useLink(secret: string, nowMs: number): boolean {
    const path = join(this.#linksFolder, hashOf(secret));
    try {
      const untilMs = Number(readFileSync(path, 'utf8'));
      unlinkSync(path);
      return nowMs < untilMs;
    } catch (error) {
      if (systemCodeOf(error) === 'ENOENT') return false;
      throw error;
    }
  }

  createSession(nowMs: number): string {
    const secret = newSecret();
    const live = this.#liveSessions().filter((session) => session.until_ms > nowMs);
    live.push({ sha256: hashOf(secret), until_ms: nowMs + sessionMsMax });
    this.#sessions = live.slice(-sessionsMax);
    this.#write(this.#sessionsPath, JSON.stringify(this.#sessions));
    return secret;
  }

  isSession(secret: string, nowMs: number): boolean {
    const sha256 = hashOf(secret);
    return this.#liveSessions().some(
      (session) => session.sha256 === sha256 && session.until_ms > nowMs,
    );
  }

  get #tokensPath(): string {
    return join(this.#folder, 'tokens.json');
  }

  get #sessionsPath(): string {
    return join(this.#folder, 'sessions.json');
  }

  get #linksFolder(): string {
    return join(this.#folder, 'links');
  }

  #write(path: string, text: string): void {
    try {
      makeFolderDurably(dirname(path));
      writeFileDurably(path, text);
    } catch (error) {
      throw new WindrowError('input', `cannot write ${path}: ${messageOf(error)}`, {
        cause: error,
        hint: 'Check that the folder named by --data exists, is writable and has room.',
      });
    }
  }

  #readTokens(): Token[] {
    return readJson(this.#tokensPath, tokensSchema) ?? [];
  }

  #liveSessions(): Session[] {
    this.#sessions ??= readJson(this.#sessionsPath, sessionsSchema) ?? [];
    return this.#sessions;
  }

  #removeOldLinks(nowMs: number): void {
    for (const name of namesIn(this.#linksFolder)) {
      const path = join(this.#linksFolder, name);
      if (Number(readText(path) ?? 0) < nowMs) rmSync(path, { force: true });
    }
  }
}

function newSecret(): string {
  return randomBytes(32).toString('base64url');
}

function hashOf(secret: string): string {
  return createHash('sha256').update(secret).digest('hex');
}

/** Changes whenever the file was replaced. */
function versionOf(path: string): string {
  const stat = statSync(path, { throwIfNoEntry: false });
  return stat === undefined ? '' : `${stat.ino}:${stat.mtimeMs}`;
}

/** Undefined when there is no such file: another process may just have used it up. */
function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (systemCodeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

function namesIn(folder: string): string[] {
  return existsSync(folder) ? readdirSync(folder) : [];
}

function readJson<T>(path: string, schema: z.ZodType<T>): T | undefined {
  try {
    const text = readText(path);
    return text === undefined ? undefined : schema.parse(JSON.parse(text));
  } catch (error) {
    throw new WindrowError('input', `${path} is damaged: ${messageOf(error)}`, {
      cause: error,
      hint: 'Move it away; agents then need new tokens (windrow-collector token create).',
    });
  }
}
