import { Lexer } from 'yaml';

/**
 * The first line of a text that lies too deep, or null. Found without recursion, over the tokens: open brackets, and
 * the distinct columns at which nodes stand. The parser, which does descend by recursion and ends its stack at some
 * 1,500 levels, goes at most twice as far: a list may stand in the column of its key.
 */
export function lineOverDepth(text: string, maxDepth: number): number | null {
  const columns: number[] = [];
  let flow = 0;
  let line = 1;
  let column = 0;
  let nodeStarts = true;
  for (const token of new Lexer().lex(text)) {
    if (isMark(token)) continue;
    flow = Math.max(0, flow + flowStep(token));
    if (flow === 0 && nodeStarts && !isSpace(token)) enter(columns, column);
    if (columns.length + flow > maxDepth) return line;
    const end = token.lastIndexOf('\n');
    line += token.split('\n').length - 1;
    nodeStarts = end >= 0 || token === '-' || token === '?' || (nodeStarts && isSpace(token));
    column = end >= 0 ? token.length - end - 1 : column + token.length;
  }
  return null;
}

/** The lexer announces documents and scalars with control characters of its own. */
function isMark(token: string): boolean {
  return token === '\u0002' || token === '\u0018' || token === '\u001f';
}

function isSpace(token: string): boolean {
  return /^\s*$/.test(token);
}

function flowStep(token: string): number {
  if (token === '[' || token === '{') return 1;
  return token === ']' || token === '}' ? -1 : 0;
}

function enter(columns: number[], column: number): void {
  while ((columns.at(-1) ?? -1) > column) columns.pop();
  if (columns.at(-1) !== column) columns.push(column);
}
