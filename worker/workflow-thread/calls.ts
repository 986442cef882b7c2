import { BroadcastChannel } from 'node:worker_threads';

const CHANNEL = 'holdfast.calls-into-workflows';

/** A count that is odd while a call goes on; made and told by the thread that calls. */
export function announceCalls(): Int32Array<SharedArrayBuffer> {
  const calls = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
  const channel = new BroadcastChannel(CHANNEL);
  channel.postMessage(calls);
  channel.close();
  return calls;
}

/** Be told of the counts of all threads that begin from now on. Keeps no process alive. */
export function listenForCalls(heard: (calls: Int32Array<SharedArrayBuffer>) => void): void {
  const channel = new BroadcastChannel(CHANNEL);
  channel.onmessage = ({ data }: { data: Int32Array<SharedArrayBuffer> }) => {
    heard(data);
  };
  channel.unref();
}
