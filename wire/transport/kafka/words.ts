/** What brokers, and the way to them, say in errors of the library, in words of windrow. */

import type { WindrowError } from '../../../runtime/errors.ts';

export interface Known {
  readonly code: 'unreachable' | 'unauthorized' | 'refused' | 'config';
  readonly sentence: string;
  readonly hint?: string;
  /** The same will never be taken. */
  readonly refused?: boolean;
  /** Whatever else was asked there would have failed so too. */
  readonly isOfBroker?: boolean;
  /** Of our own settings: nothing at all can be asked. */
  readonly isOfSettings?: boolean;
  /** As `WindrowError` has it. */
  readonly graceMs?: number;
}

/** What is known of an error by itself. */
interface Said {
  readonly code?: unknown;
  readonly apiId?: unknown;
  readonly known?: unknown;
  readonly message: string;
}

/** What nobody refused, but brokers tell something that cannot be worked with. */
export class FoundAmiss extends Error {
  readonly known: Known;

  constructor(known: Known) {
    super(known.sentence);
    this.known = known;
  }
}

/** A broker that ends closes its connections first: by then the next try has found it gone, or another one. */
const closingMs = 3_000;
/** By then brokers have begun, know new topics and new leaders, and a cluster has the topic that its first group needs. */
export const startingMsMax = 15_000;

/** Stands in hints for what names the brokers: verbs have flags of their own for that. */
export const brokersSetting = '{brokers}';

/** @returns what says nothing of what was asked */
function ofBroker(sentence: string, hint: string, graceMs = 0): Known {
  return { code: 'unreachable', sentence, hint, isOfBroker: true, graceMs };
}

/** Who keeps groups, or gives numbers to producers, is not there yet, or elsewhere by now. */
export const startingReasons = [
  'COORDINATOR_NOT_AVAILABLE',
  'COORDINATOR_LOAD_IN_PROGRESS',
  'NOT_COORDINATOR',
] as const;
/** The broker does not lead the partition, or has not heard of it. */
const movingReasons = [
  'NOT_LEADER_OR_FOLLOWER',
  'FENCED_LEADER_EPOCH',
  'UNKNOWN_LEADER_EPOCH',
  'UNKNOWN_TOPIC_OR_PARTITION',
  'UNKNOWN_TOPIC_ID',
] as const;
const starting = ofBroker(
  'the brokers are still starting',
  'If that goes on, look into their logs. The topic __consumer_offsets must have replicas: offsets.topic.replication.factor is 3 by default, which fewer brokers cannot give.',
  startingMsMax,
);
const moving: Known = {
  code: 'unreachable',
  sentence: 'the broker that was asked does not have it, or not yet',
  hint: 'If that goes on, look at the topic with kafka-topics.sh --describe, and into the logs of the brokers.',
  graceMs: startingMsMax,
};
const noAnswer = ofBroker(
  'the broker does not answer',
  `Check host and port in ${brokersSetting}, the firewall on the way, and whether the broker is frozen or overloaded.`,
);
const closed = ofBroker(
  'the broker closed the connection',
  `If that goes on, check host and port in ${brokersSetting}, what answers there (doctor tells that), and kafka.tls and kafka.sasl.* against the listener of the broker.`,
  closingMs,
);

/** The library's word for a topic that no broker knows. */
const topicMissing: Known = {
  code: 'unreachable',
  sentence: 'the topic is not there',
  hint: 'It is made again if this user may (Create). If not, allow that, or make it by hand.',
};

const leaderless: Known = {
  code: 'unreachable',
  sentence: 'a partition has no leader',
  hint: 'Start the brokers that are down.',
};
const otherVersion = ofBroker(
  'the broker is of a version that does not know this request',
  'Update the brokers: Kafka 3.1 or newer is needed.',
);

/**
 * What mends a missing right. @param right `Read on topic t`
 * @param user who is logged in, where that is known
 */
export function allowHint(right: string, user?: string): string {
  const principal = user === undefined ? '' : ` --allow-principal User:${user}`;
  const otherwise = right.startsWith('Create on topic ') ? ', or make the topic by hand' : '';
  return `Allow ${right} to this user at the brokers (kafka-acls.sh --add${principal})${otherwise}.`;
}

const notAllowed: Known = { code: 'unauthorized', sentence: 'the broker does not allow it' };

/** Errors of what we look for ourselves in what brokers tell. */
export const amiss = {
  noTopic: (topic: string) =>
    new FoundAmiss({ ...topicMissing, sentence: `topic ${topic} is not there` }),
  noLeader: (partitions: string) =>
    new FoundAmiss({ ...leaderless, sentence: `no leader of ${partitions}` }),
  /** Why a partition is let go. */
  nowhere: (partition: string) =>
    new FoundAmiss({
      ...moving,
      sentence: `the broker does not tell from where on it has ${partition}`,
    }),
  /** @param topics `topic t` */
  notReadable: (topics: string) =>
    new FoundAmiss({
      ...notAllowed,
      sentence: `the broker does not allow ${topics}`,
      hint: allowHint(`Read on ${topics}`),
    }),
  /** A file that settings name cannot be used now. Whoever looks after this machine mends it. */
  settingsFile: ({ message, hint }: WindrowError) =>
    new FoundAmiss({
      code: 'unauthorized',
      sentence: message,
      ...(hint === undefined ? {} : { hint }),
      isOfSettings: true,
    }),
  noBroker: (node: number) =>
    new FoundAmiss(
      ofBroker(
        `broker ${node} is not there`,
        'Start it, or look into its log for why the others do not see it.',
      ),
    ),
  noCoordinator: (group: string) =>
    new FoundAmiss({ ...starting, sentence: `group ${group} has no coordinator` }),
};

const BY_REASON: Readonly<Record<string, Known>> = {
  ...Object.fromEntries(startingReasons.map((reason) => [reason, starting])),
  ...Object.fromEntries(movingReasons.map((reason) => [reason, moving])),
  REQUEST_TIMED_OUT: {
    code: 'unreachable',
    sentence: 'the brokers did not get it done in time',
    hint: 'Check whether all brokers are there, and none is frozen or overloaded.',
  },
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
  TOPIC_AUTHORIZATION_FAILED: notAllowed,
  GROUP_AUTHORIZATION_FAILED: notAllowed,
  CLUSTER_AUTHORIZATION_FAILED: notAllowed,
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
  LEADER_NOT_AVAILABLE: leaderless,
  UNSUPPORTED_VERSION: otherVersion,
  KAFKA_STORAGE_ERROR: ofBroker(
    'the broker cannot use its disk',
    'Look into its logs: a disk of its log.dirs is full, broken or read-only.',
  ),
  CORRUPT_MESSAGE: {
    code: 'unreachable',
    sentence: 'records are damaged on their way, or on the disk of the broker',
    hint: 'Look into the logs of the brokers, and test the disks and the memory of the broker that leads the partition and of this machine.',
  },
  INVALID_RECORD: {
    code: 'unreachable',
    sentence: 'the broker does not take a record as it is',
    hint: 'Look into the logs of the brokers, and at the settings of the topic (kafka-configs.sh --describe): message.timestamp.*, or a check of records, may ask for others.',
  },
  OFFSET_METADATA_TOO_LARGE: {
    code: 'unreachable',
    sentence: 'what is noted with an offset is longer than the brokers take',
    hint: 'Raise offset.metadata.max.bytes of the brokers (4096 unless it is set).',
  },
  INVALID_CONFIG: {
    code: 'unreachable',
    sentence: 'the brokers do not take a setting of the topic',
    hint: 'Their logs name it. Make the topic by hand without it.',
  },
  INVALID_PARTITIONS: {
    code: 'unreachable',
    sentence: 'the brokers do not take this number of partitions',
    hint: 'Change kafka.partitions, or make the topic by hand.',
  },
  INVALID_SESSION_TIMEOUT: {
    code: 'unreachable',
    sentence: 'the brokers do not take members of a group that are out after 10 s without a word',
    hint: 'Let 10000 lie between group.min.session.timeout.ms and group.max.session.timeout.ms of the brokers.',
  },
  GROUP_MAX_SIZE_REACHED: {
    code: 'unreachable',
    sentence: 'the group has as many members as the brokers allow',
    hint: 'Raise group.max.size of the brokers, or stop members that are not needed.',
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
    hint: 'Stop them, or choose another group: kafka.group, or --group of total and receive.',
  },
};

const tlsHint =
  'Check kafka.tls: it must be on for a listener that speaks TLS, and off for others.';
const unknownCa = ofBroker(
  "the broker's certificate is signed by a CA that is not trusted here",
  'Name the CA that signed the certificates of the brokers with kafka.tls_ca_file.',
);

/** We send none, so a broker that finds it bad, as Java's says of none, or missing wants one. */
const clientCertificateWanted = ofBroker(
  'the broker asks its clients for a certificate, and windrow sends none',
  `Name a listener in ${brokersSetting} that asks for none (ssl.client.auth); there, kafka.sasl.* can say who this is.`,
);

const BY_CODE: Readonly<Record<string, Known>> = {
  SELF_SIGNED_CERT_IN_CHAIN: unknownCa,
  DEPTH_ZERO_SELF_SIGNED_CERT: unknownCa,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: unknownCa,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: unknownCa,
  UNABLE_TO_GET_ISSUER_CERT: unknownCa,
  CERT_HAS_EXPIRED: ofBroker(
    "the broker's certificate has expired",
    "Renew it at the broker. If it has not ended yet, this machine's clock is ahead: set it, best by NTP.",
  ),
  CERT_NOT_YET_VALID: ofBroker(
    "the broker's certificate is not valid yet",
    "Most likely this machine's clock is behind: set it, best by NTP. If it is right, renew the certificate at the broker.",
  ),
  ERR_TLS_CERT_ALTNAME_INVALID: ofBroker(
    "the broker's certificate is for another name",
    `Use in ${brokersSetting}, and in advertised.listeners of the brokers, a name that the certificate has.`,
  ),
  ENOTFOUND: ofBroker(
    'no such host',
    `Check the names in ${brokersSetting}, and those that the brokers advertise.`,
  ),
  EAI_AGAIN: ofBroker(
    'the host name cannot be looked up now',
    `Check the names in ${brokersSetting}, and the DNS server of this machine.`,
  ),
  ECONNREFUSED: ofBroker(
    'no broker answers there',
    `Start the brokers, or check host and port in ${brokersSetting}.`,
  ),
  ETIMEDOUT: noAnswer,
  EHOSTUNREACH: noAnswer,
  PLT_KFK_UNSUPPORTED_API: otherVersion,
  ENETUNREACH: noAnswer,
};

export const TLS_CODES: ReadonlySet<string> = new Set(
  Object.keys(BY_CODE).filter((code) => /CERT|TLS|SIGNATURE/.test(code)),
);

/** Undefined for what has no words of its own here. */
export function knownOf({ code, apiId, known, message }: Said): Known | undefined {
  if (known !== undefined) return known as Known;
  const byReason = typeof apiId === 'string' ? BY_REASON[apiId] : undefined;
  const byCode = typeof code === 'string' ? BY_CODE[code] : undefined;
  if (byReason !== undefined || byCode !== undefined) return byReason ?? byCode;
  if (message === 'Broker requires TLS.') return ofBroker('the broker speaks TLS there', tlsHint);
  if (/\balert (?:bad certificate|certificate required)\b/.test(message)) {
    return clientCertificateWanted;
  }
  if (/TLS handshake failed|wrong version number|packet length too long/i.test(message)) {
    return ofBroker('the broker speaks no TLS there', tlsHint);
  }
  if (message.startsWith('Connection closed')) return closed;
  if (/^(?:Request|Connection \S.*) timed out\b/.test(message)) return noAnswer;
  if (message.startsWith('Unknown topic ')) return topicMissing;
  if (code === 'PLT_KFK_AUTHENTICATION') return BY_REASON['SASL_AUTHENTICATION_FAILED'];
  return undefined;
}
