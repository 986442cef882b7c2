/** Numbers that look drawn at random, and are the same for the same seed. */
export interface Dice {
  /** From 0 to less than `limit`. */
  below(limit: number): number;
  pick<T>(of: readonly T[]): T;
}

const MODULUS = 2 ** 31 - 1;
const MULTIPLIER = 48_271;

/** The "minimal standard" generator of Park and Miller. */
export function createDice(seed: number): Dice {
  let state = 1 + (seed % (MODULUS - 1));
  const below = (limit: number): number => {
    state = (state * MULTIPLIER) % MODULUS;
    return Math.floor((state / MODULUS) * limit);
  };
  return {
    below,
    pick(of) {
      const [first] = of;
      if (first === undefined) throw new Error('nothing to pick from');
      return of[below(of.length)] ?? first;
    },
  };
}
