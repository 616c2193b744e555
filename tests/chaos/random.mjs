// SPDX-License-Identifier: Apache-2.0
// Seeded randomness for schedules and traffic. `fork` gives an independent stream by name, so that what one part draws
// does not shift what another part will.

export class Random {
  constructor(seed) {
    this.state = hash(String(seed));
  }

  fork(name) {
    return new Random(`${this.state}/${name}`);
  }

  /** In [0, 1); mulberry32. */
  unit() {
    this.state = (this.state + 0x6d2b79f5) >>> 0;
    let x = this.state;
    x = Math.imul(x ^ (x >>> 15), x | 1);
    x ^= x + Math.imul(x ^ (x >>> 7), x | 61);
    return ((x ^ (x >>> 14)) >>> 0) / 2 ** 32;
  }

  /** An integer in [0, n). */
  below(n) {
    return Math.floor(this.unit() * n);
  }

  between(low, high) {
    return low + this.unit() * (high - low);
  }

  chance(probability) {
    return this.unit() < probability;
  }

  pick(list) {
    return list[this.below(list.length)];
  }

  /** One of the keys of `{key: weight}`. */
  weighted(weights) {
    let at = this.unit() * Object.values(weights).reduce((sum, x) => sum + x, 0);
    for (const [key, weight] of Object.entries(weights)) if ((at -= weight) < 0) return key;
    return Object.keys(weights)[0];
  }

  /** Times between events that come `meanMs` apart on average. */
  exponential(meanMs) {
    return -Math.log(1 - this.unit()) * meanMs;
  }
}

/** FNV-1a. */
function hash(text) {
  let value = 0x811c9dc5;
  for (const c of text) value = Math.imul(value ^ c.codePointAt(0), 0x01000193);
  return value >>> 0;
}
