import type { WriteStream } from 'node:tty';

/** How progress reaches a person. */
export interface Report {
  /** Something that stays on the screen. */
  line(text: string): void;
  /** What is going on right now; called about once a second, shown as seldom as the output allows. */
  status(text: string): void;
}

/** Between two status lines where the output is not a terminal. */
const PLAIN_STATUS_MS = 15_000;

/** On a terminal the status is one line that changes; elsewhere it is a line every 15 seconds. */
export function createReport(stream: Pick<WriteStream, 'write'> & { isTTY?: boolean; columns?: number }): Report {
  let shown = false;
  let lastStatus = Date.now();
  const clear = (): void => {
    if (shown) stream.write('\r\u001b[2K');
    shown = false;
  };
  return {
    line(text) {
      clear();
      stream.write(`${text}\n`);
      lastStatus = Date.now();
    },
    status(text) {
      if (stream.isTTY === true) {
        clear();
        stream.write(text.slice(0, Math.max(20, (stream.columns ?? 80) - 1)));
        shown = true;
      } else if (Date.now() - lastStatus >= PLAIN_STATUS_MS) {
        stream.write(`${text}\n`);
        lastStatus = Date.now();
      }
    },
  };
}

/** Show how long `work` has taken so far, while it runs. */
export async function withStatus<T>(
  report: Report,
  text: (elapsed: string) => string,
  work: () => Promise<T>,
): Promise<T> {
  const start = Date.now();
  const timer = setInterval(() => {
    report.status(text(elapsed(Date.now() - start)));
  }, 1000);
  try {
    return await work();
  } finally {
    clearInterval(timer);
  }
}

/** `75000` → `1 m 15 s`. */
export function elapsed(ms: number): string {
  const seconds = Math.round(ms / 1000);
  return seconds < 60 ? `${seconds} s` : `${Math.floor(seconds / 60)} m ${seconds % 60} s`;
}
