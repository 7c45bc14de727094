/** Sums by definition: whole numbers of 2^−1074, of which every double is one. */

const bits = new DataView(new ArrayBuffer(8));

function unitsOf(value: number): bigint {
  bits.setFloat64(0, value);
  const raw = bits.getBigUint64(0);
  const exponent = (raw >> 52n) & 0x7ffn;
  const fraction = raw & 0xf_ffff_ffff_ffffn;
  const magnitude = exponent === 0n ? fraction : (fraction | (1n << 52n)) << (exponent - 1n);
  return raw >> 63n === 1n ? -magnitude : magnitude;
}

/** The double nearest to `units` · 2^−1074, ties to even. */
function nearestDouble(units: bigint): number {
  if (units < 0n) return -nearestDouble(-units);
  const shift = Math.max(0, units.toString(2).length - 53);
  const rest = units & ((1n << BigInt(shift)) - 1n);
  const half = shift === 0 ? 1n : 1n << BigInt(shift - 1);
  const cut = units >> BigInt(shift);
  const up = rest > half || (rest === half && (cut & 1n) === 1n);
  return Number(up ? cut + 1n : cut) * 2 ** (shift - 1074);
}

export function sumByDefinition(values: readonly number[]): number {
  let units = 0n;
  for (const value of values) units += unitsOf(value);
  return nearestDouble(units);
}
