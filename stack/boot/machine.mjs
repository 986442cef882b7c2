import { readdirSync } from 'node:fs';
import process from 'node:process';

/** Oldest Node that may run the bootstrap; everything else runs on the Node that it brings. */
const OLDEST_NODE = 20;

/**
 * Why Holdfast cannot run on this machine, with the way out; null when it can.
 * @param {{ platform: string, arch: string, nodeVersion: string, musl: boolean }} machine
 */
export function refusal({ platform, arch, nodeVersion, musl }) {
  if (Number(nodeVersion.split('.')[0]) < OLDEST_NODE) {
    return `Node ${nodeVersion} is too old: install Node ${OLDEST_NODE} or newer (it only starts Holdfast, which brings Node 24 itself)`;
  }
  if (platform === 'win32') {
    return 'native Windows is not supported: use WSL2 (run `wsl --install`, then clone and start inside it)';
  }
  if (platform !== 'linux' && platform !== 'darwin') {
    return `${platform} is not supported: use Linux, macOS or WSL2`;
  }
  if (arch !== 'x64' && arch !== 'arm64') {
    return `${platform} on ${arch} is not supported: x64 or arm64 is needed`;
  }
  if (musl) {
    return 'this Linux uses musl (Alpine, for example), for which neither Node 24 nor the Temporal SDK has binaries: use a distribution with glibc (Debian, Ubuntu, Fedora …)';
  }
  return null;
}

export function thisMachine() {
  return {
    platform: process.platform,
    arch: process.arch,
    nodeVersion: process.versions.node,
    musl: process.platform === 'linux' && isMusl(),
  };
}

/** The loader of the C library that this very Node was linked with tells; both kinds may be installed. */
function isMusl() {
  const report = process.report;
  if (report) {
    // Without this the report resolves the names of all peers, which takes seconds where there is no DNS.
    report.excludeNetwork = true;
    return !report.getReport().header.glibcVersionRuntime;
  }
  return readdirSync('/lib').some((name) => name.startsWith('ld-musl-'));
}
