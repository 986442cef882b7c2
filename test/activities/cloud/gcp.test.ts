/** Tokens for Artifact Registry by the real library of Google, whose metadata service is a stand-in. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, it } from 'node:test';
import { serveGoogle } from '../../support/clouds.ts';
import { temporaryFolder } from '../../support/harness.ts';
import { loginAt, setVariables } from './scene.ts';

const HOST = 'europe-west3-docker.pkg.dev';
const RIGHT =
  'give its service account the role roles/artifactregistry.reader, and its machine the scope cloud-platform; docs/configuration.md says what the worker looks at';

const cloud = await serveGoogle();

beforeEach(() => {
  cloud.instead = null;
  setVariables({
    HOME: temporaryFolder(),
    GOOGLE_APPLICATION_CREDENTIALS: undefined,
    GCE_METADATA_HOST: new URL(cloud.origin).host,
  });
});

describe('provider gcp', () => {
  it('takes the access token of the machine or pod', async () => {
    assert.deepEqual(await loginAt('gcp', HOST), ['oauth2accesstoken', 'first-token']);
    assert.deepEqual(await loginAt('gcp', 'eu.gcr.io'), ['oauth2accesstoken', 'first-token']);
  });

  it('says what Google says of an identity without scopes, and what it needs', async () => {
    cloud.instead = {
      status: 403,
      body: '{"error":"forbidden","error_description":"no scopes"}',
      headers: { 'metadata-flavor': 'Google' },
    };
    const [code, message = ''] = (await loginAt('gcp', HOST)) as string[];
    assert.equal(code, 'CloudRejected');
    assert.ok(
      message.startsWith(`provider gcp gives the worker no token for registry ${HOST}: A Forbidden error was returned`),
      message,
    );
    assert.ok(message.endsWith(`; ${RIGHT}`), message);
  });

  it('tries again when the metadata service has a fault', async () => {
    cloud.instead = { status: 500, body: 'canary', headers: { 'metadata-flavor': 'Google' } };
    assert.deepEqual(await loginAt('gcp', HOST), [
      'CloudUnreachable',
      `cannot reach provider gcp for a token for registry ${HOST}: it answers status 500; check the way from the worker to it`,
    ]);
  });

  it('says that a key file cannot be used, without a word of it', async () => {
    const file = join(temporaryFolder(), 'key.json');
    writeFileSync(file, '{"type":"service_account","private_key":"canary"}');
    setVariables({ GOOGLE_APPLICATION_CREDENTIALS: file });
    assert.deepEqual(await loginAt('gcp', HOST), [
      'CloudRejected',
      `provider gcp gives the worker no token for registry ${HOST}: Unable to read the credential file specified by the GOOGLE_APPLICATION_CREDENTIALS environment variable: The incoming JSON object does not contain a client_email field; ${RIGHT}`,
    ]);
  });
});
