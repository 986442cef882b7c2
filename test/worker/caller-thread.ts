/** A thread that calls into a context as Temporal's SDK does, and says what came of it. */
import { createContext, Script } from 'node:vm';
import { parentPort, workerData } from 'node:worker_threads';

const { text, everyMs } = workerData as { readonly text: string; readonly everyMs: number | null };
const context = createContext({ n: 0 }, { microtaskMode: 'afterEvaluate' });
const script = new Script(text);
const call = (): unknown => script.runInContext(context, { timeout: 1, displayErrors: true });

try {
  if (everyMs !== null) setInterval(call, everyMs);
  parentPort?.postMessage(call());
} catch (error) {
  parentPort?.postMessage(String(error));
}
