import { describe, expect, it } from 'vitest';
import { WindrowError } from '../../../runtime/errors.ts';
import { withinMs } from '../../../runtime/lifecycle.ts';
import { hasReason, isStarting, isTlsTrouble, kafkaError, writtenIn } from './errors.ts';
import { amiss, startingMsMax } from './words.ts';

const attempt = { what: 'x cannot be written', right: 'Write on topic x' };

/** As the library nests them. */
function refusedFor(apiId: string, more: readonly Error[] = []): Error {
  const inner = Object.assign(new Error('a reason'), { apiId, code: 'PLT_KFK_PROTOCOL' });
  return new AggregateError(
    [new AggregateError([...more, inner], 'Received response with error')],
    'Producing messages failed.',
  );
}

function systemError(code: string): Error {
  return Object.assign(new Error(`connect ${code} 10.0.0.1:1`), { code });
}

describe('kafkaError', () => {
  it.each([
    ['MESSAGE_TOO_LARGE', 'refused', false, 'max.message.bytes'],
    ['SASL_AUTHENTICATION_FAILED', 'unauthorized', true, 'kafka.sasl.password_file'],
    ['TOPIC_AUTHORIZATION_FAILED', 'unauthorized', true, 'Write on topic x'],
    ['NOT_ENOUGH_REPLICAS', 'unreachable', true, 'brokers'],
    ['INVALID_TIMESTAMP', 'unreachable', true, 'clock'],
    ['REQUEST_TIMED_OUT', 'unreachable', true, 'overloaded'],
    ['UNSUPPORTED_VERSION', 'unreachable', true, 'Kafka 3.1'],
    ['KAFKA_STORAGE_ERROR', 'unreachable', true, 'log.dirs'],
    ['CORRUPT_MESSAGE', 'unreachable', true, 'disks'],
    ['INVALID_RECORD', 'unreachable', true, 'message.timestamp.*'],
    ['OFFSET_METADATA_TOO_LARGE', 'unreachable', true, 'offset.metadata.max.bytes'],
    ['INVALID_CONFIG', 'unreachable', true, 'by hand'],
    ['INVALID_PARTITIONS', 'unreachable', true, 'kafka.partitions'],
    ['INVALID_SESSION_TIMEOUT', 'unreachable', true, 'group.min.session.timeout.ms'],
    ['GROUP_MAX_SIZE_REACHED', 'unreachable', true, 'group.max.size'],
  ])('%s: only what can never be taken is refused for good', (reason, code, retryable, hint) => {
    const error = kafkaError(refusedFor(reason), attempt);
    expect(error).toMatchObject({ code, retryable });
    expect(error.message).toMatch(/^x cannot be written: /);
    expect(error.hint).toContain(hint);
  });

  it('what nobody has words for may be tried again, in one line', () => {
    const error = kafkaError(new Error('strange\nthings.'), attempt);
    expect(error).toMatchObject({ code: 'unreachable', retryable: true });
    expect(error.message).toBe('x cannot be written: strange things');
    expect(error.hint).toContain('doctor');
  });

  it.each([
    [amiss.noTopic('t'), 'topic t is not there', 'Create'],
    [amiss.noLeader('t/0, t/2'), 'no leader of t/0, t/2', 'brokers that are down'],
    [amiss.noBroker(3), 'broker 3 is not there', 'Start it'],
    [amiss.noCoordinator('g'), 'group g has no coordinator', 'offsets.topic.replication.factor'],
  ])('what brokers tell and cannot be worked with is told as it is: %s', (error, words, hint) => {
    const told = kafkaError(error, attempt);
    expect(told).toMatchObject({ code: 'unreachable', retryable: true });
    expect(told.message).toBe(`x cannot be written: ${words}`);
    expect(told.hint).toContain(hint);
  });

  it('a broker that lacks a request altogether is told to be too old', () => {
    const old = Object.assign(new Error('Unsupported API X.'), { code: 'PLT_KFK_UNSUPPORTED_API' });
    expect(kafkaError(old, attempt).hint).toContain('Kafka 3.1');
  });

  it('the innermost cause is told: a login that fails for want of TLS is no wrong password', () => {
    const tls = new Error('Broker requires TLS.');
    const login = Object.assign(new Error('no mechanism', { cause: tls }), {
      code: 'PLT_KFK_AUTHENTICATION',
    });
    expect(kafkaError(login, attempt).hint).toContain('kafka.tls');
  });

  it.each([
    ['an answer', Object.assign(new Error('Request timed out'), { broker: 'a:1' })],
    ['a connection', new Error('Connection to a:1 timed out.')],
    ['a connection that others wait for', new Error('Connection ready timed out after 10000ms.')],
    ['a host', new Error('Connection to a:1 failed.', { cause: systemError('EHOSTUNREACH') })],
  ])('%s that never comes: the address, the firewall and the broker are named', (_, cause) => {
    const error = kafkaError(new AggregateError([cause], 'failed 3 times.'), attempt);
    expect(error).toMatchObject({ code: 'unreachable', retryable: true, graceMs: 0 });
    expect(error.message).toBe('x cannot be written: the broker does not answer');
    for (const what of ['host and port', 'firewall', 'frozen']) expect(error.hint).toContain(what);
    const asked = / Asked: (.+)\.$/.exec(error.hint ?? '')?.[1];
    expect(asked).toBe(cause.message.includes('ready') ? undefined : 'a:1');
  });

  it.each([
    [
      'nobody there',
      new Error('Connection to a:1 failed.', { cause: systemError('ECONNREFUSED') }),
    ],
    ['no such name', systemError('ENOTFOUND')],
    ['no DNS', systemError('EAI_AGAIN')],
    ['no route', systemError('ENETUNREACH')],
    ['no answer', new Error('Request timed out')],
    ['a connection that closes', new Error('Connection closed')],
    ['another name', systemError('ERR_TLS_CERT_ALTNAME_INVALID')],
  ])('%s: the flag is named by which the verb takes brokers', (_, cause) => {
    const error = new AggregateError([cause], 'failed 3 times.');
    expect(kafkaError(error, attempt).hint).toContain(' in --kafka (brokers)');
    const byOwnFlag = Object.assign(error, { brokersFlag: '--from' });
    const { hint } = kafkaError(byOwnFlag, attempt);
    expect(hint).toContain(' in --from (brokers)');
    expect(hint).not.toMatch(/--kafka|[{}]/);
  });

  it.each(['ssl/tls alert bad certificate', 'tlsv13 alert certificate required'])(
    '%s: a broker that wants a certificate of us closes the connection for that',
    (alert) => {
      const cause = new Error(`0:error:0A000412:SSL routines:ssl3_read_bytes:${alert}:rec.c:918`);
      const error = kafkaError(new Error('Connection closed', { cause }), attempt);
      expect(error.message).toMatch(/ asks its clients for a certificate, and windrow sends none$/);
      expect(error.hint).toContain('ssl.client.auth');
    },
  );

  it('a limit of ours that passes is told as an answer that never comes, without its name', async () => {
    const endless = withinMs('sending', 1, () => new Promise<never>(() => {}));
    const error = kafkaError(await endless.catch((late: unknown) => late), attempt);
    expect(error.message).toBe('x cannot be written: the broker does not answer');
    expect(error.hint).toContain('firewall');
  });

  it('of many brokers that do not answer five are named, each once', () => {
    const brokers = ['a:1', 'b:1', 'a:1', 'c:1', 'd:1', 'e:1', 'f:1'];
    const causes = brokers.map((broker) =>
      Object.assign(new Error('Request timed out'), { broker }),
    );
    const { hint } = kafkaError(new AggregateError(causes), attempt);
    expect(hint).toMatch(/ Asked: a:1, b:1, c:1, d:1, e:1 and 1 more\.$/);
  });

  it('what is wrong with a broker is one fault whatever is tried there, a missing right is not', () => {
    const faultsOf = (error: Error): Set<string> =>
      new Set(['x', 'y'].map((what) => kafkaError(error, { what }).fault));
    const away = new Error('Connection to a:1 failed.', { cause: systemError('ECONNREFUSED') });
    expect(faultsOf(away)).toEqual(new Set(['no broker answers there']));
    expect(faultsOf(refusedFor('TOPIC_AUTHORIZATION_FAILED')).size).toBe(2);
  });

  it.each(['COORDINATOR_NOT_AVAILABLE', 'COORDINATOR_LOAD_IN_PROGRESS', 'NOT_COORDINATOR'])(
    '%s: the brokers start, which has its time before anybody is told',
    (reason) => {
      const error = kafkaError(refusedFor(reason), attempt);
      expect(error.message).toBe('x cannot be written: the brokers are still starting');
      expect(error).toMatchObject({ retryable: true, graceMs: startingMsMax });
      expect(error.hint).toContain('offsets.topic.replication.factor');
      expect(isStarting(refusedFor(reason))).toBe(true);
    },
  );

  it.each(['NOT_LEADER_OR_FOLLOWER', 'UNKNOWN_TOPIC_ID'])(
    '%s: brokers get to know a new topic, or a new leader, in their time',
    (reason) => {
      const error = kafkaError(refusedFor(reason), attempt);
      expect(error.message).toBe(
        'x cannot be written: the broker that was asked does not have it, or not yet',
      );
      expect(error).toMatchObject({ retryable: true, graceMs: startingMsMax });
      expect(error.hint).toContain('kafka-topics.sh --describe');
    },
  );

  it('a topic that is gone is said to be, with what brings it back', () => {
    const { message, hint } = kafkaError(new Error('Unknown topic x.'), attempt);
    expect(message).toBe('x cannot be written: the topic is not there');
    expect(hint).toContain('Create');
  });

  it('a connection that closes may be the first sign of something else', () => {
    const { message, graceMs, hint } = kafkaError(new Error('Connection closed'), attempt);
    expect(message).toBe('x cannot be written: the broker closed the connection');
    expect(graceMs).toBeGreaterThan(0);
    expect(graceMs).toBeLessThan(startingMsMax);
    expect(hint).toContain('kafka.tls');
    expect(isStarting(new Error('Connection closed'))).toBe(false);
  });

  it('an error of ours stays as it is', () => {
    const ours = new WindrowError('aborted', 'enough');
    expect(kafkaError(ours, attempt)).toBe(ours);
  });

  it('errors that go round in circles come to an end', () => {
    const round = new Error('round');
    round.cause = round;
    expect(kafkaError(round, attempt).message).toContain('round');
    expect(hasReason(round, 'X')).toBe(false);
  });
});

it('a reason is found however deep it is, and whatever stands beside it', () => {
  const error = refusedFor('INVALID_TIMESTAMP', [new Error('of the record')]);
  expect(hasReason(error, 'INVALID_TIMESTAMP')).toBe(true);
  expect(hasReason(error, 'MESSAGE_TOO_LARGE')).toBe(false);
});

it('what brokers took of a request that failed is found in their answers, and nothing else', () => {
  const partly = Object.assign(refusedFor('MESSAGE_TOO_LARGE'), {
    response: {
      responses: [
        {
          name: 'a',
          partitionResponses: [
            { index: 0, errorCode: 10 },
            { index: 1, errorCode: 0 },
          ],
        },
      ],
    },
  });
  const whole = { produced: { offsets: [{ topic: 'b', partition: 2, offset: 7n }] } };
  const error = Object.assign(new AggregateError([partly]), whole);
  expect(writtenIn(error)).toEqual(new Set(['a/1', 'b/2']));
  expect(writtenIn(new Error('no answer'))).toEqual(new Set());
  expect(writtenIn(Object.assign(new Error('other'), { response: { groups: [] } }))).toEqual(
    new Set(),
  );
});

it('trouble with certificates is told from what comes behind the handshake', () => {
  const certificate = Object.assign(new Error('self-signed'), {
    code: 'SELF_SIGNED_CERT_IN_CHAIN',
  });
  expect(isTlsTrouble(new Error('Connection failed.', { cause: certificate }))).toBe(true);
  expect(isTlsTrouble(refusedFor('SASL_AUTHENTICATION_FAILED'))).toBe(false);
});
