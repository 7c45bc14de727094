/*
 * The 64 rounds of SHA-256 (FIPS 180-4, 6.2.2) for words of type WORD, defined as ROUNDS(state, w).
 * Included once for each width: uint32_t is one stream, a vector of four is four streams.
 *
 * state: the eight working variables, in and out, not yet added to the state before.
 * w: the sixteen words of the block, most significant byte first already; overwritten.
 */

static inline __attribute__((always_inline)) WORD RENAMED(ror)(WORD x, int n) {
  return (x >> n) | (x << (32 - n));
}

/* One of sixteen rounds. The variables do not move from a to b to c: their names do, so round `i` finds
   `a` in s[-i & 7]. All indexes are constants once the loop that calls this is unrolled.
   `a_xor_b` of a round is `b_xor_c` of the next: maj(a, b, c) = b ^ ((a ^ b) & (b ^ c)). */
static inline __attribute__((always_inline)) void RENAMED(round)(WORD s[8], WORD *b_xor_c, WORD k_plus_w, int i) {
  WORD a = s[-i & 7], b = s[(1 - i) & 7];
  WORD e = s[(4 - i) & 7], f = s[(5 - i) & 7], g = s[(6 - i) & 7], h = s[(7 - i) & 7];
  WORD sum1 = RENAMED(ror)(e, 6) ^ RENAMED(ror)(e, 11) ^ RENAMED(ror)(e, 25);
  WORD ch = g ^ (e & (f ^ g));
  WORD t1 = h + k_plus_w + sum1 + ch;
  WORD sum0 = RENAMED(ror)(a, 2) ^ RENAMED(ror)(a, 13) ^ RENAMED(ror)(a, 22);
  WORD a_xor_b = a ^ b;
  WORD maj = b ^ (a_xor_b & *b_xor_c);
  *b_xor_c = a_xor_b;
  s[(3 - i) & 7] += t1;
  s[(7 - i) & 7] = t1 + sum0 + maj;
}

/* Word i of the message schedule takes the place of the one sixteen before it. */
static inline __attribute__((always_inline)) WORD RENAMED(scheduled)(WORD w[16], int i) {
  WORD w15 = w[(i + 1) & 15], w2 = w[(i + 14) & 15];
  WORD sigma0 = RENAMED(ror)(w15, 7) ^ RENAMED(ror)(w15, 18) ^ (w15 >> 3);
  WORD sigma1 = RENAMED(ror)(w2, 17) ^ RENAMED(ror)(w2, 19) ^ (w2 >> 10);
  return w[i] += w[(i + 9) & 15] + sigma0 + sigma1;
}

static inline __attribute__((always_inline)) void ROUNDS(WORD s[8], WORD w[16]) {
  WORD b_xor_c = s[1] ^ s[2];
  const uint32_t *k = K;
  HIDE(k);
#pragma clang loop unroll(full)
  for (int i = 0; i < 16; i++) RENAMED(round)(s, &b_xor_c, w[i] + k[i], i);
  /* Not unrolled further: the whole loop stays in the CPU's cache of decoded instructions. */
#pragma clang loop unroll(disable)
  for (int n = 16; n < 64; n += 16) {
    k += 16;
#pragma clang loop unroll(full)
    for (int i = 0; i < 16; i++) RENAMED(round)(s, &b_xor_c, RENAMED(scheduled)(w, i) + k[i], i);
  }
}
