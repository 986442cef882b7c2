/** Makes the field tables of `docs/objects.md` anew after a change of `crds/`. */
import { writeFileSync } from 'node:fs';
import { withFieldTables } from './field-tables.ts';
import { readDocument } from './markdown.ts';

writeFileSync(new URL('../../docs/objects.md', import.meta.url), withFieldTables(readDocument('objects.md')));
