import { STOP_ORDER } from '../keeper.ts';
import { readProcess, stopAll, stopProcess } from '../processes.ts';
import type { State } from '../state.ts';

/** Longer than the supervisor gives its parts. */
const SUPERVISOR_GRACE_MS = 60_000;

/** Ends everything of this state folder; answers whether anything ran. */
export async function stopStack(state: State): Promise<boolean> {
  const supervisor = readProcess(state.lock, 'supervisor');
  if (supervisor !== null) await stopProcess(supervisor, SUPERVISOR_GRACE_MS);
  const left = await stopLeftovers(state);
  return supervisor !== null || left.length > 0;
}

/** Ends what an earlier stack left behind when its supervisor was killed; answers the names. */
export function stopLeftovers(state: State): Promise<readonly string[]> {
  return stopAll(state.run, STOP_ORDER);
}
