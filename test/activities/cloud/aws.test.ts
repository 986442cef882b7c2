/** Tokens for ECR by the real SDK of AWS, whose endpoints are stand-ins. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, it } from 'node:test';
import { DENIED_BY_AWS, serveAws } from '../../support/clouds.ts';
import { temporaryFolder } from '../../support/harness.ts';
import { loginAt, setVariables } from './scene.ts';

const FRANKFURT = '123456789012.dkr.ecr.eu-central-1.amazonaws.com';
const KEYS = { AWS_ACCESS_KEY_ID: 'AKIASTANDIN', AWS_SECRET_ACCESS_KEY: 'canary-of-the-key' };

const cloud = await serveAws();

beforeEach(() => {
  cloud.instead = null;
  const none = Object.fromEntries(
    Object.keys(process.env).flatMap((name) => (/^AWS_/.test(name) ? [[name, undefined]] : [])),
  );
  // No file of this machine's user, and no machine of Amazon's, counts.
  const alone = {
    AWS_EC2_METADATA_DISABLED: 'true',
    AWS_CONFIG_FILE: '/dev/null',
    AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
  };
  setVariables({ ...none, ...alone, AWS_ENDPOINT_URL: cloud.origin });
});

const lastSigned = (): string => cloud.requests.at(-1)?.headers.authorization ?? '';

describe('provider aws', () => {
  it('asks the region of the registry for a token, as who the variables say', async () => {
    setVariables({ ...KEYS, AWS_REGION: 'us-west-1' });
    assert.deepEqual(await loginAt('aws', FRANKFURT), ['AWS', 'first-token']);
    assert.match(lastSigned(), /Credential=AKIASTANDIN\/\d+\/eu-central-1\/ecr\/aws4_request/);
  });

  it('asks for the public registry in the region where that is', async () => {
    setVariables(KEYS);
    assert.deepEqual(await loginAt('aws', 'public.ecr.aws'), ['AWS', 'first-token']);
    assert.match(lastSigned(), /\/us-east-1\/ecr-public\/aws4_request/);
  });

  it('takes the role that a pod was given', async () => {
    const token = join(temporaryFolder(), 'token');
    writeFileSync(token, 'canary-of-the-pod');
    setVariables({ AWS_ROLE_ARN: 'arn:aws:iam::123456789012:role/holdfast', AWS_WEB_IDENTITY_TOKEN_FILE: token });
    assert.deepEqual(await loginAt('aws', FRANKFURT), ['AWS', 'first-token']);
    assert.match(lastSigned(), /Credential=ASIASTANDIN\//);
  });

  it('says that there is no identity, and how to have one', async () => {
    assert.deepEqual(await loginAt('aws', FRANKFURT), [
      'CloudIdentityMissing',
      `provider aws finds no identity of the worker for registry ${FRANKFURT}: CredentialsProviderError: Could not load credentials from any providers; give its pod an IAM role (IRSA or EKS Pod Identity), or its machine an instance profile`,
    ]);
  });

  it('says what AWS says of a role that may not have a token, and what to allow it', async () => {
    setVariables(KEYS);
    cloud.instead = DENIED_BY_AWS;
    assert.deepEqual(await loginAt('aws', FRANKFURT), [
      'CloudRejected',
      `provider aws gives the worker no token for registry ${FRANKFURT}: AccessDeniedException: User: arn:aws:sts::123456789012:assumed-role/holdfast/x is not authorized to perform: ecr:GetAuthorizationToken on resource: *; allow its IAM role ecr:GetAuthorizationToken (for public.ecr.aws ecr-public:GetAuthorizationToken and sts:GetServiceBearerToken); docs/configuration.md says what the worker looks at`,
    ]);
  });

  it('does not repeat a secret that AWS quotes', async () => {
    setVariables(KEYS);
    const secret = `${'canary'.repeat(8)}/+=`;
    cloud.instead = {
      ...DENIED_BY_AWS,
      body: JSON.stringify({ __type: 'InvalidSignatureException', message: `wrong: ${secret}\n${secret}` }),
    };
    const [code, message] = (await loginAt('aws', FRANKFURT)) as string[];
    assert.equal(code, 'CloudRejected');
    assert.match(message ?? '', /: InvalidSignatureException: wrong: …[^c]*; allow/);
  });

  it('waits when AWS is asked too often', async () => {
    setVariables({ ...KEYS, AWS_MAX_ATTEMPTS: '1' });
    cloud.instead = {
      ...DENIED_BY_AWS,
      body: JSON.stringify({ __type: 'ThrottlingException', message: 'Rate exceeded' }),
    };
    assert.deepEqual(await loginAt('aws', FRANKFURT), [
      'RateLimited',
      `provider aws answers "too many requests" to the request for a token for registry ${FRANKFURT}: ThrottlingException: Rate exceeded; it is asked again later`,
    ]);
  });

  it('tries again when AWS does not answer as it should, or not at all', async () => {
    setVariables({ ...KEYS, AWS_MAX_ATTEMPTS: '1' });
    const away = `cannot reach provider aws for a token for registry ${FRANKFURT}: `;
    const way = '; check the way from the worker to it';
    cloud.instead = { status: 503, body: 'canary' };
    assert.deepEqual(await loginAt('aws', FRANKFURT), ['CloudUnreachable', `${away}it answers status 503${way}`]);
    setVariables({ AWS_ENDPOINT_URL: 'http://127.0.0.1:1' });
    const refused = 'connect ECONNREFUSED 127.0.0.1:1';
    assert.deepEqual(await loginAt('aws', FRANKFURT), ['CloudUnreachable', `${away}${refused}${way}`]);
  });

  it('does not take an answer without a token for one', async () => {
    setVariables(KEYS);
    cloud.instead = { ...DENIED_BY_AWS, status: 200, body: '{"authorizationData":[]}' };
    assert.deepEqual(await loginAt('aws', FRANKFURT), [
      'CloudRejected',
      'provider aws: ecr of eu-central-1 answers without a token',
    ]);
  });
});
