/*
 * SHA-256 (FIPS 180-4) of four independent streams in one pass of WebAssembly SIMD, and of one stream.
 * `npm run build:native` makes sha256x4.wasm of it.
 *
 * Only whole blocks of 64 bytes are compressed here. Lengths, tails and padding are the caller's
 * (sha256/simd4.ts), which also lays the input into this memory: nothing is copied, and there is no allocator.
 *
 * Lane l of the vectors is stream l: word i of its state is the 32-bit number l of lane_state[i].
 */
#include <stdint.h>
#include <wasm_simd128.h>

#define LANES 4
#define WORDS 8
#define BLOCK_BYTES 64
#define INPUT_BYTES (1 << 20)

typedef uint32_t word4 __attribute__((ext_vector_type(LANES)));

/* The caller finds these by their exported addresses. A tail takes what is left of a stream and its padding. */
word4 lane_state[WORDS];
uint8_t lane_input[LANES][INPUT_BYTES];
uint8_t lane_tail[LANES][2 * BLOCK_BYTES];

/* FIPS 180-4, 4.2.2. */
static const uint32_t K[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

/* The compiler must not know where the constants are: it would write them into the code, and V8 makes
   three instructions of a vector constant where a splatting load is free beside the arithmetic. */
#define HIDE(pointer) __asm__("" : "+r"(pointer))
#define PASTE(name, suffix) name##suffix

#define WORD uint32_t
#define RENAMED(name) PASTE(name, _1)
#define ROUNDS rounds_1
#include "sha256-rounds.h"
#undef WORD
#undef RENAMED
#undef ROUNDS

#define WORD word4
#define RENAMED(name) PASTE(name, _4)
#define ROUNDS rounds_4
#include "sha256-rounds.h"

static inline v128_t big_endian(const uint8_t *at) {
  /* A swizzle, not a shuffle: V8 makes six instructions of the shuffle that reverses bytes of words. */
  v128_t reversed = wasm_i8x16_const(3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12);
  return wasm_i8x16_swizzle(wasm_v128_load(at), reversed);
}

/* Sixteen bytes of each stream become four vectors, each with one word of every stream. */
static inline void transposed(word4 w[4], const uint8_t *p0, const uint8_t *p1, const uint8_t *p2, const uint8_t *p3) {
  v128_t a = big_endian(p0), b = big_endian(p1), c = big_endian(p2), d = big_endian(p3);
  v128_t ab_low = wasm_i32x4_shuffle(a, b, 0, 4, 1, 5), ab_high = wasm_i32x4_shuffle(a, b, 2, 6, 3, 7);
  v128_t cd_low = wasm_i32x4_shuffle(c, d, 0, 4, 1, 5), cd_high = wasm_i32x4_shuffle(c, d, 2, 6, 3, 7);
  w[0] = (word4)wasm_i64x2_shuffle(ab_low, cd_low, 0, 2);
  w[1] = (word4)wasm_i64x2_shuffle(ab_low, cd_low, 1, 3);
  w[2] = (word4)wasm_i64x2_shuffle(ab_high, cd_high, 0, 2);
  w[3] = (word4)wasm_i64x2_shuffle(ab_high, cd_high, 1, 3);
}

/* `blocks` blocks of every stream. Only lanes whose bit is set in `active` keep what comes out; the others
   may point anywhere in memory where as many bytes can be read. */
__attribute__((export_name("compress4"))) void compress4(const uint8_t *p0, const uint8_t *p1, const uint8_t *p2,
                                                         const uint8_t *p3, uint32_t blocks, uint32_t active) {
  word4 before[WORDS], state[WORDS];
  for (int i = 0; i < WORDS; i++) before[i] = state[i] = lane_state[i];
  for (; blocks > 0; blocks--) {
    word4 w[16], s[WORDS];
    for (int i = 0; i < 16; i += 4) {
      transposed(w + i, p0 + 4 * i, p1 + 4 * i, p2 + 4 * i, p3 + 4 * i);
    }
    for (int i = 0; i < WORDS; i++) s[i] = state[i];
    rounds_4(s, w);
    for (int i = 0; i < WORDS; i++) state[i] += s[i];
    p0 += BLOCK_BYTES, p1 += BLOCK_BYTES, p2 += BLOCK_BYTES, p3 += BLOCK_BYTES;
  }
  word4 kept = -((word4){active, active >> 1, active >> 2, active >> 3} & 1);
  for (int i = 0; i < WORDS; i++) lane_state[i] = (state[i] & kept) | (before[i] & ~kept);
}

/* `blocks` blocks of one stream: quicker than four lanes of which one is used. */
__attribute__((export_name("compress1"))) void compress1(uint32_t lane, const uint8_t *p, uint32_t blocks) {
  uint32_t *words = (uint32_t *)lane_state + lane;
  uint32_t state[WORDS];
  for (int i = 0; i < WORDS; i++) state[i] = words[LANES * i];
  for (; blocks > 0; blocks--, p += BLOCK_BYTES) {
    uint32_t w[16], s[WORDS];
    for (int i = 0; i < 16; i++) w[i] = __builtin_bswap32(((const uint32_t *)p)[i]);
    for (int i = 0; i < WORDS; i++) s[i] = state[i];
    rounds_1(s, w);
    for (int i = 0; i < WORDS; i++) state[i] += s[i];
  }
  for (int i = 0; i < WORDS; i++) words[LANES * i] = state[i];
}
