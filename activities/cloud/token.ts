/** What logs in at registries of a cloud for a while. */
export interface CloudToken {
  readonly username: string;
  readonly password: string;
  /** Milliseconds since the epoch. */
  readonly expiresAt: number;
}

/** When the cloud does not say how long a token lives. */
export const SHORT_LIFE_MS = 15 * 60_000;
