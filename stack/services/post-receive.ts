/**
 * Runs in the sample repository after each push: asks the API to fetch it now. What it prints is shown to whoever
 * pushed; a push is good even when the API is away, because the interval comes round all the same.
 */
import { readFileSync } from 'node:fs';

interface Settings {
  readonly url: string;
  readonly tokenFile: string;
}

try {
  // Written by `npm start` beside the token.
  const { url, tokenFile } = JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8')) as Settings;
  const response = await fetch(url, {
    method: 'POST',
    headers: { authorization: `Bearer ${readFileSync(tokenFile, 'utf8').trim()}`, 'content-type': 'application/json' },
    body: JSON.stringify({ reason: 'git push' }),
    signal: AbortSignal.timeout(10_000),
  });
  await response.body?.cancel();
  if (!response.ok) throw new Error(`the API answered ${response.status}`);
  console.log('holdfast: syncing');
} catch (error) {
  const reason = error instanceof Error ? error.message : String(error);
  console.log(`holdfast: not asked to sync (${reason}); the next fetch comes within a minute`);
}
