/** What the collector's HTTP status means to a sender. One table, read by both ends. */
import { type ErrorCode, WindrowError } from '../../../runtime/errors.ts';

interface Meaning {
  readonly code: ErrorCode;
  readonly retryable: boolean;
  readonly hint: string;
}

const MEANINGS: Readonly<Record<number, Meaning>> = {
  400: {
    code: 'refused',
    retryable: false,
    hint: 'The batch has no valid form: see docs/wire.md.',
  },
  401: {
    code: 'unauthorized',
    retryable: true,
    hint: 'Make a token on the collector with `windrow-collector token create`, and name its file with --token-file (token_file).',
  },
  403: {
    code: 'refused',
    retryable: true,
    hint: 'The collector does not serve this host name: add it to `hosts` in its config.',
  },
  409: {
    code: 'refused',
    retryable: true,
    hint: 'That collector takes samples from Kafka: name its brokers, for replay with --to kafka://host:port, else with --kafka (brokers).',
  },
  413: { code: 'refused', retryable: false, hint: 'The batch is larger than the collector takes.' },
  415: {
    code: 'refused',
    retryable: false,
    hint: 'Batches are application/x-ndjson, gzip or plain.',
  },
  426: {
    code: 'refused',
    retryable: true,
    hint: 'The collector is older than this program: update the collector. What is measured waits.',
  },
  429: { code: 'overloaded', retryable: true, hint: 'Too many requests: the sender slows down.' },
  503: {
    code: 'store_unavailable',
    retryable: true,
    hint: 'The collector cannot store now (full disk, locked database); it says why in its log.',
  },
  507: {
    code: 'no_room',
    retryable: true,
    hint: 'Make room on the collector: take received files away, or raise blocks.quota.',
  },
};

/** The HTTP status that tells a sender about this error. */
export function statusOf(error: WindrowError): number {
  const found = Object.entries(MEANINGS).find(([, meaning]) => meaning.code === error.code);
  if (error.code === 'input') return 400;
  if (error.code === 'refused' && error.retryable) return 409;
  return found === undefined ? 500 : Number(found[0]);
}

/** The error that an answer other than 200 stands for. */
export function rejectionOf(
  url: string,
  answer: { status: number; headers: Readonly<Record<string, unknown>>; body: string },
): WindrowError {
  const meaning = MEANINGS[answer.status] ?? stranger(answer.status);
  const afterSeconds = Number(answer.headers['retry-after']);
  return new WindrowError(
    meaning.code,
    `${url} answered ${answer.status}${reasonIn(answer.body)}`,
    {
      hint: meaning.hint,
      retryable: meaning.retryable,
      ...(afterSeconds > 0 ? { retryAfterMs: Math.min(afterSeconds, 60) * 1000 } : {}),
    },
  );
}

/** No collector answers this: another program, or a proxy before the collector. It has judged no batch. */
function stranger(status: number): Meaning {
  return {
    code: status >= 500 ? 'unreachable' : 'refused',
    retryable: true,
    hint: 'Another program may listen there: check the address (to / --to).',
  };
}

function reasonIn(body: string): string {
  try {
    const { error } = JSON.parse(body) as { error?: unknown };
    return typeof error === 'string' ? `: ${error.slice(0, 300)}` : '';
  } catch {
    return '';
  }
}
