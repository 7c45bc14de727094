/**
 * Rounding as a report asks for it: half-up on the shortest decimal form. 1.005 is a double just
 * below 1.005, but people read "1.005" and expect 1.01; so the digits decide, not the double.
 */

/** A finite number as digits · 10^−scale, from the shortest form that reads back as the number. */
function shortestDecimal(value: number): { digits: string; scale: number } {
  const [mantissa = '0', exponent = '0'] = String(Math.abs(value)).split('e');
  const [whole = '0', fraction = ''] = mantissa.split('.');
  return { digits: whole + fraction, scale: fraction.length - Number(exponent) };
}

/**
 * Rounds a finite number to at most `decimals` (0…20) places, ties away from zero as in
 * java.math.RoundingMode.HALF_UP, which SEEDS A's numbers were made with. Never −0.
 */
export function roundHalfUp(value: number, decimals: number): number {
  const { digits, scale } = shortestDecimal(value);
  if (scale <= decimals) return value + 0;
  const keptCount = digits.length - (scale - decimals);
  const kept = BigInt(digits.slice(0, Math.max(0, keptCount)));
  const up = keptCount >= 0 && digits.charAt(keptCount) >= '5';
  const magnitude = Number(`${up ? kept + 1n : kept}e-${decimals}`);
  return value < 0 && magnitude !== 0 ? -magnitude : magnitude;
}

/** The shortest decimal form that reads back as the same number (`53`, not `53.00`); never `-0`. */
export function shortestText(value: number): string {
  return String(value + 0);
}
