import { createHash } from 'node:crypto';
import fc from '../../runtime/testing/property.ts';
import { describe, expect, it } from 'vitest';
import { ENGINE_NAMES, type HashGroup, laneBufferBytes } from './engine.ts';
import { ENGINES } from './engines.ts';
import { longMessages, monteCarlo, shortMessages, type Vector } from './testing/cavp.ts';

/** Seconds, and many of them when everything else runs at the same time. */
const chainMsMax = 60_000;

describe.each(ENGINE_NAMES)('%s', (name) => {
  const engine = ENGINES[name];
  const lanes = Array.from({ length: engine.lanes }, (_, lane) => lane);

  it('all of its files of vectors are read: without them every test below holds', () => {
    expect([shortMessages().length, longMessages().length]).toEqual([65, 64]);
    expect(monteCarlo().digests).toHaveLength(100);
  });

  it.each([
    ['short', shortMessages],
    ['long', longMessages],
  ])('NIST’s %s messages have NIST’s digests on every lane', async (_, read) => {
    const group = await engine.create();
    const vectors = read();
    for (const shift of lanes) {
      for (const [n, digest] of hashedSideBySide(group, vectors, shift).entries()) {
        expect(digest).toBe(vectors[n]?.digest);
      }
    }
  });

  it(
    'NIST’s Monte Carlo chain, a hundred thousand digests, comes out on every lane',
    async () => {
      const group = await engine.create();
      const { seed, digests } = monteCarlo();
      let last: Buffer[] = lanes.map(() => Buffer.from(seed, 'hex'));
      for (const digest of digests) {
        last = thousandHashes(group, last);
        expect(last.map((bytes) => bytes.toString('hex'))).toEqual(lanes.map(() => digest));
      }
    },
    chainMsMax,
  );

  it('digests do not depend on how streams are cut, when they end and what other lanes do', async () => {
    const group = await engine.create();
    const piece = fc.record({
      bytes: fc.oneof(fc.integer({ min: 0, max: 200 }), fc.integer({ min: 0, max: 5000 })),
      inBuffer: fc.boolean(),
      offset: fc.nat(100),
      end: fc.constantFrom('more', 'more', 'more', 'digest', 'reset'),
    });
    const step = fc.array(fc.option(piece), { minLength: lanes.length, maxLength: lanes.length });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 20 }), fc.nat(255), (steps, seed) => {
        let byte = seed;
        const oracles = lanes.map(() => createHash('sha256'));
        for (const pieces of steps) {
          const chunks = pieces.map((given, lane) => {
            if (given === null) return undefined;
            const { inBuffer, offset, bytes } = given;
            const memory = inBuffer ? group.buffer(lane) : new Uint8Array(offset + bytes);
            byte = (byte + 1) & 255;
            return memory.subarray(offset, offset + bytes).fill(byte);
          });
          // The oracle first: an engine that wrote into a chunk would otherwise agree with itself.
          chunks.forEach((chunk, lane) => oracles[lane]?.update(chunk ?? new Uint8Array()));
          group.update(chunks);
          pieces.forEach((given, lane) => {
            if (given === null || given.end === 'more') return;
            if (given.end === 'reset') group.reset(lane);
            else expect(group.digest(lane)).toBe(oracles[lane]?.digest('hex'));
            oracles[lane] = createHash('sha256');
          });
        }
        lanes.forEach((lane) => expect(group.digest(lane)).toBe(oracles[lane]?.digest('hex')));
      }),
    );
  });

  it('chunks larger than a lane’s buffer, of unequal lengths, are taken whole', async () => {
    const group = await engine.create();
    const chunks = lanes.map((lane) =>
      Buffer.alloc(laneBufferBytes * (4 - lane) + 17 * lane, `stream ${lane} `),
    );
    group.update(chunks);
    expect(lanes.map((lane) => group.digest(lane))).toEqual(chunks.map(sha256));
  });

  it('a lane’s buffer is all of what is read at once, and of no other lane', async () => {
    const group = await engine.create();
    lanes.forEach((lane) => group.buffer(lane).fill(lane));
    expect(lanes.map((lane) => group.buffer(lane).length)).toEqual(
      lanes.map(() => laneBufferBytes),
    );
    group.update(lanes.map((lane) => group.buffer(lane)));
    expect(lanes.map((lane) => group.digest(lane))).toEqual(
      lanes.map((lane) => sha256(Buffer.alloc(laneBufferBytes, lane))),
    );
  });
});

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** Message n goes to lane (n + shift) of a group that is always full. */
function hashedSideBySide(group: HashGroup, vectors: readonly Vector[], shift: number): string[] {
  const digests: string[] = [];
  for (let from = 0; from < vectors.length; from += group.lanes) {
    const together = vectors.slice(from, from + group.lanes);
    const chunks: Uint8Array[] = [];
    const laneOf = (n: number): number => (n + shift) % group.lanes;
    for (const [n, { message }] of together.entries()) chunks[laneOf(n)] = message;
    group.update(chunks);
    for (const n of together.keys()) digests.push(group.digest(laneOf(n)));
  }
  return digests;
}

/** SHAVS, 6.4: each message is the last three digests. */
function thousandHashes(group: HashGroup, seeds: readonly Buffer[]): Buffer[] {
  let chains = seeds.map((seed) => [seed, seed, seed]);
  for (let n = 0; n < 1000; n += 1) {
    group.update(chains.map((chain) => Buffer.concat(chain)));
    chains = chains.map(([, b, c], lane) => [
      b ?? Buffer.alloc(0),
      c ?? Buffer.alloc(0),
      Buffer.from(group.digest(lane), 'hex'),
    ]);
  }
  return chains.map((chain) => chain[2] ?? Buffer.alloc(0));
}
