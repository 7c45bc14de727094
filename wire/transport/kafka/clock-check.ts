/**
 * How far this machine's clock is from the brokers'. Kafka has no request for the time, but who
 * leads a KRaft cluster tells in DescribeQuorum when each replica fetched last, and of itself that
 * it was now (KIP-836, Kafka 3.3 and newer). Agents that send to brokers see nobody else's clock,
 * so there theirs can be compared with the collector's.
 */
import type { describeQuorumV2 } from '@platformatic/kafka';
import type { Finding } from '../../../runtime/doctor.ts';
import { skewMsMax } from '../../limits.ts';
import type { KafkaClient } from './client.ts';
import { hasReason, kafkaError } from './errors.ts';

/** The quickest answer tells best; the first one waits for connections. */
const looks = 3;

/** Where the leader's replica is told of; each KRaft cluster has it. */
const quorum = [{ topicName: '__cluster_metadata', partitions: [{ partitionIndex: 0 }] }];

interface Look {
  /** Ahead of the leader's clock; it read that at any moment between our question and its answer. */
  readonly offsetMs: number;
  readonly errorMsMax: number;
}

/** Changes nothing at the brokers. @param nowMs this machine's wall clock */
export async function checkClock(
  client: Pick<KafkaClient, 'call'>,
  nowMs: () => number = Date.now,
): Promise<Finding> {
  const seen: Look[] = [];
  try {
    for (let i = 0; i < looks; i += 1) seen.push(...(await look(client, nowMs)));
  } catch (error) {
    return notTold(error);
  }
  const [best] = seen.sort((one, other) => one.errorMsMax - other.errorMsMax);
  return best === undefined ? notTold(undefined) : found(best);
}

/** @returns none where the answer has no times in it */
async function look(client: Pick<KafkaClient, 'call'>, nowMs: () => number): Promise<Look[]> {
  const [askedMs, fromMs] = [nowMs(), performance.now()];
  const { topics } = await client.call<describeQuorumV2.DescribeQuorumResponse>(
    'DescribeQuorum',
    'any',
    quorum,
  );
  const errorMsMax = (performance.now() - fromMs) / 2;
  const told = topics[0]?.partitions[0];
  const leader = told?.currentVoters.find(({ replicaId }) => replicaId === told.leaderId);
  const theirMs = Number(leader?.lastFetchTimestamp ?? -1);
  return theirMs < 0 ? [] : [{ offsetMs: askedMs + errorMsMax - theirMs, errorMsMax }];
}

function found({ offsetMs, errorMsMax }: Look): Finding {
  const side = offsetMs < 0 ? 'behind' : 'ahead of';
  const [off, error] = [Math.abs(offsetMs), errorMsMax].map((ms) => Math.ceil(ms));
  const message = `${off} ms ${side} the brokers, give or take ${error}`;
  if (Math.abs(offsetMs) - errorMsMax <= skewMsMax) return { status: 'ok', message };
  return {
    status: 'warn',
    message,
    advice:
      "Set the clock of whichever is wrong, best by NTP: a machine whose clock is more than 5 s off the collector's is kept out of the fleet's windows.",
  };
}

function notTold(error: unknown): Finding {
  const why =
    error === undefined
      ? 'the brokers do not tell theirs'
      : kafkaError(error, { what: 'the brokers do not tell theirs' }).message;
  const isForbidden = hasReason(error, 'CLUSTER_AUTHORIZATION_FAILED');
  return {
    status: 'warn',
    message: `cannot be told: ${why}`,
    advice: isForbidden
      ? "Compare it with the collector's yourself, or allow Describe on the cluster to this user (kafka-acls.sh --add --cluster)."
      : "Compare it with the collector's yourself.",
  };
}
