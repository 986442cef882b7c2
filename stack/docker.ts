/** The Docker engine of this machine and its Compose, through their command lines. */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { codeOf, Refusal } from './commands/usage.ts';
import { CHECKOUT } from './state.ts';

const INSTALL = 'on Debian: apt-get install docker.io docker-compose iptables';
const MAX_OUTPUT = 64 * 1024 * 1024;

/** What a program said when it failed. */
export class CommandError extends Error {
  override readonly name = 'CommandError';
}

/** There is no such program on PATH; whoever wanted it knows how it is installed. */
export class MissingProgram extends Error {
  override readonly name = 'MissingProgram';
}

/** Runs a program to its end and answers its standard output, without the last line break. */
export function runCommand(
  command: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv = process.env,
): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(command, [...args], { env, maxBuffer: MAX_OUTPUT }, (error, stdout, stderr) => {
      if (error === null) resolve(stdout.trimEnd());
      else if (codeOf(error) === 'ENOENT') reject(new MissingProgram(`there is no ${command} on PATH`));
      else reject(new CommandError(`${command} ${args.slice(0, 2).join(' ')}: ${stderr.trim() || error.message}`));
    });
  });
}

export function docker(...args: readonly string[]): Promise<string> {
  return runCommand('docker', args);
}

/** The version of the engine; refuses with the way out when none answers. */
export async function engineVersion(): Promise<string> {
  try {
    return await docker('version', '--format', '{{.Server.Version}}');
  } catch (error) {
    if (error instanceof MissingProgram) throw new Refusal(`${error.message}: install Docker (${INSTALL})`);
    throw new Refusal(
      `no Docker engine answers: start it (systemctl start docker, or dockerd as root), or name another one with DOCKER_HOST\n${said(error)}`,
    );
  }
}

/** Command line of Compose: the plugin of version 2, else the program of version 1. */
export async function findCompose(): Promise<readonly [string, ...string[]]> {
  for (const command of [['docker', 'compose'], ['docker-compose']] as const) {
    const [program, ...args] = command;
    const found = await runCommand(program, [...args, 'version']).then(
      () => true,
      () => false,
    );
    if (found) return command;
  }
  throw new Refusal(`there is neither the Compose plugin of docker nor docker-compose: install one (${INSTALL})`);
}

/**
 * Where containers find this machine; any image does to ask. Refuses an engine elsewhere, or in a machine or a network
 * of its own: what listens here would be out of its reach.
 */
export async function gatewayAddress(image: string): Promise<string> {
  const ask = ['--rm', '--add-host=machine:host-gateway', '--entrypoint=cat', image, '/etc/hosts'];
  const [, address = 'unknown'] = /^(\S+)\s+machine$/m.exec(await docker('run', ...ask)) ?? [];
  if (await canListen(address)) return address;
  throw new Refusal(
    `containers find their host at ${address}, which is no address of this machine: it takes an engine that runs on this Linux as root, not in a virtual machine, rootless or remote`,
  );
}

/** Not looked up in the list of interfaces, which leaves out a bridge without a container. */
function canListen(host: string): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
      .once('error', () => {
        resolve(false);
      })
      .listen({ host, port: 0 }, () => {
        server.close(() => {
          resolve(true);
        });
      });
  });
}

export async function hasImage(name: string): Promise<boolean> {
  return (await docker('images', '--quiet', name)) !== '';
}

/** The image that the Dockerfile starts from when nothing else is said. */
export function defaultBase(): string {
  const [, name] = /^ARG BASE=(\S+)$/m.exec(readFileSync(join(CHECKOUT, 'Dockerfile'), 'utf8')) ?? [];
  if (name === undefined) throw new TypeError('the Dockerfile has no ARG BASE');
  return name;
}

export function said(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
