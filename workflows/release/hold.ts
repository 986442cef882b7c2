import type { ReleaseObject } from '../core/model.ts';
import type { Entity } from './entity.ts';
import { local } from './report.ts';

/**
 * Put our finalizer on an object that finds its release installed already, once. Before the first write the step that
 * writes does it, so that nothing can be installed that a deletion would not uninstall.
 */
export async function hold(entity: Entity, object: ReleaseObject): Promise<void> {
  if (entity.history.held || object.deleting) return;
  if (object.held !== true) await local.holdRelease({ ref: entity.input.ref, uid: object.uid });
  entity.history = { ...entity.history, held: true };
}

/** What `hold` is for before a write: only after a look of a version whose writes did not do it. */
export async function holdForWrite(entity: Entity, object: ReleaseObject): Promise<void> {
  if (object.held === undefined) await hold(entity, object);
}
