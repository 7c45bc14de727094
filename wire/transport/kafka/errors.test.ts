import { describe, expect, it } from 'vitest';
import { WindrowError } from '../../../runtime/errors.ts';
import { hasReason, isTlsTrouble, kafkaError, writtenIn } from './errors.ts';

const attempt = { what: 'x cannot be written', right: 'Write on topic x' };

/** As the library nests them. */
function refusedFor(apiId: string, more: readonly Error[] = []): Error {
  const inner = Object.assign(new Error('a reason'), { apiId, code: 'PLT_KFK_PROTOCOL' });
  return new AggregateError(
    [new AggregateError([...more, inner], 'Received response with error')],
    'Producing messages failed.',
  );
}

describe('kafkaError', () => {
  it.each([
    ['MESSAGE_TOO_LARGE', 'refused', false, 'max.message.bytes'],
    ['SASL_AUTHENTICATION_FAILED', 'unauthorized', true, 'kafka.sasl.password_file'],
    ['TOPIC_AUTHORIZATION_FAILED', 'unauthorized', true, 'Write on topic x'],
    ['NOT_ENOUGH_REPLICAS', 'unreachable', true, 'brokers'],
    ['INVALID_TIMESTAMP', 'unreachable', true, 'clock'],
  ])('%s: only what can never be taken is refused for good', (reason, code, retryable, hint) => {
    const error = kafkaError(refusedFor(reason), attempt);
    expect(error).toMatchObject({ code, retryable });
    expect(error.message).toMatch(/^x cannot be written: /);
    expect(error.hint).toContain(hint);
  });

  it('what nobody has words for may be tried again, in one line', () => {
    const error = kafkaError(new Error('strange\nthings.'), attempt);
    expect(error).toMatchObject({ code: 'unreachable', retryable: true, hint: undefined });
    expect(error.message).toBe('x cannot be written: strange things');
  });

  it('the innermost cause is told: a login that fails for want of TLS is no wrong password', () => {
    const tls = new Error('Broker requires TLS.');
    const login = Object.assign(new Error('no mechanism', { cause: tls }), {
      code: 'PLT_KFK_AUTHENTICATION',
    });
    expect(kafkaError(login, attempt).hint).toContain('kafka.tls');
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
