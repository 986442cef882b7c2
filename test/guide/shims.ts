/** Stand-ins of four command lines that need an account or a daemon. They answer as the guide needs it, and nothing else. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const REFUSE = 'echo "$(basename "$0"): the stand-in does not know: $*" >&2; exit 64';

/** `$GUIDE_*` is set by the test. */
const SHIMS: Readonly<Record<string, string>> = {
  aws: `case "$*" in
  'ecr get-login-password --region eu-central-1') echo "$GUIDE_ECR" ;;
  'ecr create-repository --region eu-central-1 --repository-name charts/webservice') ;;
  *) ${REFUSE} ;;
esac`,
  az: `case "$*" in
  'acr token create --registry acme --name holdfast --repository charts/webservice content/read metadata/read '*' --output tsv') echo "$PASSWORD" ;;
  'acr login --name acme --expose-token --query accessToken --output tsv') echo "$GUIDE_ACR" ;;
  *) ${REFUSE} ;;
esac`,
  gcloud: `case "$*" in
  'iam service-accounts create holdfast --display-name=Holdfast') ;;
  'artifacts repositories add-iam-policy-binding charts --location=europe-west3 --member=serviceAccount:'*' --role=roles/artifactregistry.reader') ;;
  'iam service-accounts keys create key.json --iam-account='*) printf %s "$GUIDE_GAR_KEY" > key.json ;;
  'auth print-access-token') echo "$GUIDE_GAR" ;;
  *) ${REFUSE} ;;
esac`,
};

/** `docker login`, which keeps the logins that are there. */
const DOCKER = `import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
const [verb, host, ...flags] = process.argv.slice(2);
if (verb !== 'login' || flags[0] !== '--username' || flags[2] !== '--password-stdin') process.exit(64);
const folder = process.env.HOME + '/.docker';
let config = { auths: {} };
try {
  config = JSON.parse(readFileSync(folder + '/config.json', 'utf8'));
} catch {}
const auth = Buffer.from(flags[1] + ':' + readFileSync(0, 'utf8')).toString('base64');
mkdirSync(folder, { recursive: true });
writeFileSync(folder + '/config.json', JSON.stringify({ ...config, auths: { ...config.auths, [host]: { auth } } }));
`;

/** Into a folder that is to come first on PATH; answers their names. */
export function writeShims(folder: string): readonly string[] {
  mkdirSync(folder, { recursive: true });
  for (const [name, script] of Object.entries(SHIMS)) {
    writeFileSync(join(folder, name), `#!/usr/bin/env bash\nset -euo pipefail\n${script}\n`, { mode: 0o755 });
  }
  writeFileSync(join(folder, 'docker.mjs'), DOCKER);
  const docker = `#!/bin/sh\nexec '${process.execPath}' '${join(folder, 'docker.mjs')}' "$@"\n`;
  writeFileSync(join(folder, 'docker'), docker, { mode: 0o755 });
  return [...Object.keys(SHIMS), 'docker'];
}
