/**
 * What went wrong at a broker, in words of windrow: one sentence, and the setting or right that mends it.
 *
 * Nearly all of it may mend by itself or by somebody's hand, so it is retryable: what waits is kept.
 * Only a record that the broker finds too large will never be taken.
 */
import { messageOf, WindrowError } from '../../../runtime/errors.ts';

/** What was tried, for the error's sentence and the right that it needs. */
export interface Attempt {
  /** `samples cannot be sent`. */
  readonly what: string;
  /** The ACL without which the broker refuses it. */
  readonly right?: string | undefined;
}

interface Cause {
  readonly code?: unknown;
  readonly apiId?: unknown;
  readonly message: string;
  readonly serverErrorMessage?: unknown;
  /** The library's: what brokers that took all of theirs said, and what one said that did not. */
  readonly produced?: { readonly offsets?: readonly Produced[] };
  readonly response?: { readonly responses?: readonly TopicResponse[] };
}

interface Produced {
  readonly topic: string;
  readonly partition: number;
}

interface TopicResponse {
  readonly name?: string;
  readonly partitionResponses?: readonly { readonly index: number; readonly errorCode: number }[];
}

/** The error as WindrowError; one that already is stays as it is. */
export function kafkaError(error: unknown, { what, right }: Attempt): WindrowError {
  if (error instanceof WindrowError) return error;
  const causes = causesOf(error);
  // The innermost says best what it was: a login that fails may be for want of TLS.
  const found = causes.map((cause) => knownOf(cause)).findLast((known) => known !== undefined);
  const deepest = causes.at(-1)?.message ?? messageOf(error);
  const { code = 'unreachable', sentence = oneLine(deepest), hint, refused = false } = found ?? {};
  const advice =
    code === 'unauthorized' && hint === undefined && right !== undefined
      ? `Allow ${right} to this user at the brokers (kafka-acls.sh --add).`
      : hint;
  return new WindrowError(code, `${what}: ${sentence}`, {
    cause: error,
    retryable: !refused,
    ...(advice === undefined ? {} : { hint: advice }),
  });
}

/** Whether the broker gave this as a reason, `OFFSET_OUT_OF_RANGE`, anywhere in the error. */
export function hasReason(error: unknown, ...reasons: readonly string[]): boolean {
  return causesOf(error).some(({ apiId }) => typeof apiId === 'string' && reasons.includes(apiId));
}

/**
 * The library throws an answer away when a part of it is an error; all of it is in that.
 * @returns undefined where there was no answer
 */
export function answerIn(error: unknown): unknown {
  return error instanceof Error && 'response' in error ? error.response : undefined;
}

/**
 * Of a request to write that failed: the partitions that took their part all the same, as
 * `topic/partition`.
 */
export function writtenIn(error: unknown): ReadonlySet<string> {
  const written = new Set<string>();
  for (const { produced, response } of causesOf(error)) {
    for (const { topic, partition } of produced?.offsets ?? [])
      written.add(`${topic}/${partition}`);
    for (const { name, partitionResponses = [] } of response?.responses ?? []) {
      for (const { index, errorCode } of partitionResponses) {
        if (errorCode === 0) written.add(`${name}/${index}`);
      }
    }
  }
  return written;
}

/** Whether it failed before anything of Kafka was said. */
export function isTlsTrouble(error: unknown): boolean {
  return causesOf(error).some(
    ({ code, message }) =>
      TLS_CODES.has(String(code)) || /TLS|certificate|wrong version number|EPROTO/i.test(message),
  );
}

/** The error, what it consists of, and what caused it: outermost first. */
function causesOf(error: unknown): Cause[] {
  const found: Cause[] = [];
  const waiting = [error];
  while (waiting.length > 0) {
    const next = waiting.shift();
    if (!(next instanceof Error) || found.includes(next)) continue;
    found.push(next);
    if ('errors' in next && Array.isArray(next.errors)) waiting.push(...(next.errors as unknown[]));
    waiting.push(next.cause);
  }
  return found;
}

interface Known {
  readonly code: 'unreachable' | 'unauthorized' | 'refused' | 'config';
  readonly sentence: string;
  readonly hint?: string;
  /** The same will never be taken. */
  readonly refused?: boolean;
}

const BY_REASON: Readonly<Record<string, Known>> = {
  SASL_AUTHENTICATION_FAILED: {
    code: 'unauthorized',
    sentence: 'the broker does not accept user name or password',
    hint: 'Check kafka.sasl.username, the password in kafka.sasl.password_file and kafka.sasl.mechanism.',
  },
  UNSUPPORTED_SASL_MECHANISM: {
    code: 'unauthorized',
    sentence: 'the broker does not offer this SASL mechanism',
    hint: 'Set kafka.sasl.mechanism to one that the broker offers.',
  },
  ILLEGAL_SASL_STATE: {
    code: 'unauthorized',
    sentence: 'the broker asks for no SASL here, or for another kind',
    hint: 'Check kafka.sasl.* against the listener of the broker.',
  },
  TOPIC_AUTHORIZATION_FAILED: { code: 'unauthorized', sentence: 'the broker does not allow it' },
  GROUP_AUTHORIZATION_FAILED: { code: 'unauthorized', sentence: 'the broker does not allow it' },
  CLUSTER_AUTHORIZATION_FAILED: { code: 'unauthorized', sentence: 'the broker does not allow it' },
  MESSAGE_TOO_LARGE: {
    code: 'refused',
    sentence: 'a record is larger than the topic takes',
    hint: 'Raise max.message.bytes of the topic.',
    refused: true,
  },
  RECORD_LIST_TOO_LARGE: {
    code: 'refused',
    sentence: 'a record is larger than a segment of the topic',
    hint: 'Raise segment.bytes of the topic.',
    refused: true,
  },
  INVALID_TIMESTAMP: {
    code: 'unreachable',
    sentence: "the broker does not take this machine's time",
    hint: 'Set the clock, best by NTP.',
  },
  NOT_ENOUGH_REPLICAS: {
    code: 'unreachable',
    sentence: 'fewer replicas are there than min.insync.replicas asks for',
    hint: 'Start the brokers that are down.',
  },
  NOT_ENOUGH_REPLICAS_AFTER_APPEND: {
    code: 'unreachable',
    sentence: 'fewer replicas are there than min.insync.replicas asks for',
    hint: 'Start the brokers that are down.',
  },
  LEADER_NOT_AVAILABLE: {
    code: 'unreachable',
    sentence: 'a partition has no leader',
    hint: 'Start the brokers that are down.',
  },
  INVALID_REPLICATION_FACTOR: {
    code: 'unreachable',
    sentence: 'there are fewer brokers than replicas asked for',
    hint: 'Lower kafka.replication, or start the brokers that are down.',
  },
  POLICY_VIOLATION: {
    code: 'unauthorized',
    sentence: 'a policy of the brokers forbids it',
    hint: 'Make the topics by hand, or change kafka.partitions and kafka.replication.',
  },
  INCONSISTENT_GROUP_PROTOCOL: {
    code: 'config',
    sentence: 'other programs use this group',
    hint: 'Stop them, or choose another group: kafka.group, or --group of total.',
  },
};

const tlsHint =
  'Check kafka.tls: it must be on for a listener that speaks TLS, and off for others.';
const caHint = 'Name the CA that signed the certificates of the brokers with kafka.tls_ca_file.';
const unknownCa: Known = {
  code: 'unreachable',
  sentence: "the broker's certificate is signed by a CA that is not trusted here",
  hint: caHint,
};

const BY_CODE: Readonly<Record<string, Known>> = {
  SELF_SIGNED_CERT_IN_CHAIN: unknownCa,
  DEPTH_ZERO_SELF_SIGNED_CERT: unknownCa,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: unknownCa,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: unknownCa,
  UNABLE_TO_GET_ISSUER_CERT: unknownCa,
  CERT_HAS_EXPIRED: {
    code: 'unreachable',
    sentence: "the broker's certificate has expired",
    hint: 'Renew it at the broker.',
  },
  ERR_TLS_CERT_ALTNAME_INVALID: {
    code: 'unreachable',
    sentence: "the broker's certificate is for another name",
    hint: 'Use in brokers (and in advertised.listeners of the brokers) a name that the certificate has.',
  },
  ENOTFOUND: {
    code: 'unreachable',
    sentence: 'no such host',
    hint: 'Check the names in brokers, and those that the brokers advertise.',
  },
  EAI_AGAIN: {
    code: 'unreachable',
    sentence: 'the host name cannot be looked up now',
    hint: 'Check the names in brokers, and the DNS server of this machine.',
  },
  ECONNREFUSED: {
    code: 'unreachable',
    sentence: 'no broker answers there',
    hint: 'Start the brokers, or check host and port in brokers.',
  },
};

const TLS_CODES: ReadonlySet<string> = new Set(
  Object.keys(BY_CODE).filter((code) => /CERT|TLS|SIGNATURE/.test(code)),
);

/** Undefined for what has no words of its own here. */
function knownOf({ code, apiId, message }: Cause): Known | undefined {
  const byReason = typeof apiId === 'string' ? BY_REASON[apiId] : undefined;
  const byCode = typeof code === 'string' ? BY_CODE[code] : undefined;
  if (byReason !== undefined || byCode !== undefined) return byReason ?? byCode;
  if (message === 'Broker requires TLS.') {
    return { code: 'unreachable', sentence: 'the broker speaks TLS there', hint: tlsHint };
  }
  if (/TLS handshake failed|wrong version number|packet length too long/i.test(message)) {
    return { code: 'unreachable', sentence: 'the broker speaks no TLS there', hint: tlsHint };
  }
  if (message.startsWith('Connection closed')) {
    return {
      code: 'unreachable',
      sentence: 'the broker closed the connection',
      hint: 'If that goes on, check kafka.tls and kafka.sasl.* against the listener of the broker.',
    };
  }
  if (code === 'PLT_KFK_AUTHENTICATION') return BY_REASON['SASL_AUTHENTICATION_FAILED'];
  return undefined;
}

function oneLine(text: string): string {
  return text.replaceAll(/\s+/g, ' ').replace(/\.$/, '').slice(0, 300);
}
