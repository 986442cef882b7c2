import { readShown } from '../../../activities/kube/shown.ts';
import type { WatchedObject } from '../../../activities/kube/watched.ts';

/** An object of namespace `default` that is Ready and refers to nothing. */
export function watched(name: string, change: Partial<WatchedObject> = {}): WatchedObject {
  const ref = { namespace: 'default', name };
  return {
    ref,
    uid: `uid-${name}`,
    generation: 1,
    deleting: false,
    annotations: '[]',
    state: '1 True',
    unobserved: false,
    secrets: [],
    configMaps: [],
    repository: null,
    url: null,
    dependsOn: [],
    standing: 'ready',
    deferred: false,
    leaving: false,
    shown: readShown({ metadata: { ...ref, uid: `uid-${name}`, generation: 1 } }),
    ...change,
  };
}
