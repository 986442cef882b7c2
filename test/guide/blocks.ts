/** The code of a guide, block by block. */
import { parseAllDocuments } from 'yaml';

export interface Block {
  readonly language: string;
  readonly text: string;
  /** The heading that it stands under. */
  readonly heading: string;
  /** Line of its first line in the guide, for messages. */
  readonly line: number;
}

export function blocksOf(markdown: string): readonly Block[] {
  const blocks: Block[] = [];
  let heading = '';
  let open: { language: string; lines: string[]; line: number } | null = null;
  for (const [index, line] of markdown.split('\n').entries()) {
    const [fence, language = ''] = /^```(.*)$/.exec(line) ?? [];
    if (fence !== undefined && open === null) {
      open = { language, lines: [], line: index + 2 };
    } else if (fence !== undefined && open !== null) {
      blocks.push({ language: open.language, text: open.lines.join('\n'), heading, line: open.line });
      open = null;
    } else if (open !== null) {
      open.lines.push(line);
    } else {
      heading = /^#+ (.+)$/.exec(line)?.[1] ?? heading;
    }
  }
  if (open !== null) throw new Error(`the block of line ${open.line} has no end`);
  return blocks;
}

export interface GuideObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace: string };
  readonly spec: Readonly<Record<string, unknown>>;
}

/** The Kubernetes objects in a block; none where it is something else. */
export function objectsIn({ text }: Block): readonly GuideObject[] {
  const documents: unknown[] = parseAllDocuments(text).map((document) => document.toJS() as unknown);
  // What the API server takes for one.
  return documents.filter((value): value is GuideObject => Object.hasOwn(value as object, 'apiVersion'));
}
