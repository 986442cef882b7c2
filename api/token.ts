import { parseArgs } from 'node:util';
import { SettingsError } from '../runtime/environment.ts';
import { addToken, readTokens, removeToken, ROLES, type Role } from './tokens.ts';

const USAGE = `usage: npm run token -- add NAME --role read|write [--file FILE]
       npm run token -- list [--file FILE]
       npm run token -- remove NAME [--file FILE]

The token is printed once, by \`add\`; the file keeps its hash. A running API takes a change up at once.
FILE is the tokens file of the API; HOLDFAST_TOKENS_FILE names it where --file does not.
`;

interface Command {
  readonly verb: string | undefined;
  readonly name: string | undefined;
  readonly role: string | undefined;
  readonly file: string;
}

function parseCommand(): Command | null {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { role: { type: 'string' }, file: { type: 'string' }, help: { type: 'boolean', short: 'h' } },
  });
  const [verb, name, ...rest] = positionals;
  if (values.help === true || verb === undefined || rest.length > 0) return null;
  const file = values.file ?? process.env['HOLDFAST_TOKENS_FILE'] ?? '';
  if (file === '') throw new SettingsError('HOLDFAST_TOKENS_FILE is not set: name the tokens file with --file');
  return { verb, name, role: values.role, file };
}

function parseRole(role: string | undefined): Role {
  const found = ROLES.find((known) => known === role);
  if (found === undefined) throw new SettingsError(`--role is ${role ?? 'not given'}: expected read or write`);
  return found;
}

/** Answers what to print, or null for a command that is none. */
function run({ verb, name, role, file }: Command): string | null {
  if (verb === 'list' && name === undefined) {
    return readTokens(file)
      .map((entry) => `${entry.name}\t${entry.role}\t${entry.createdAt}\n`)
      .join('');
  }
  if (verb === 'add' && name !== undefined) return `${addToken(file, name, parseRole(role))}\n`;
  if (verb === 'remove' && name !== undefined) {
    removeToken(file, name);
    return '';
  }
  return null;
}

try {
  const command = parseCommand();
  const output = command === null ? null : run(command);
  if (output === null) {
    process.stderr.write(USAGE);
    process.exitCode = 2;
  } else {
    process.stdout.write(output);
  }
} catch (error) {
  // A wrong flag is parseArgs' TypeError; its message names the flag.
  if (!(error instanceof SettingsError) && !(error instanceof TypeError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
}
