/** The way to registries with TLS: the real registry behind TLS of an authority that only a Secret names. */
import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { pushChart } from '../../support/chart.ts';
import { temporaryFolder } from '../../support/harness.ts';
import { createAuthority, serveTls, type Authority, type Certificate } from '../../support/tls.ts';
import { both, useRegistryScene, WITH_LOGIN, type RegistryScene } from './scene.ts';

let scene: RegistryScene;
/** Of the worker: what HelmRepositories may name. */
let files: string;
/** The shared registry, without TLS. */
let plain: string;
let authority: Authority;
let client: Certificate;
/** The registry behind TLS; and the same, for those with a client certificate. */
let open: string;
let guarded: string;

before(async () => {
  files = temporaryFolder();
  scene = await useRegistryScene('tls', files);
  plain = scene.releases.stack.registry;
  await pushChart(scene.releases.stack, { name: 'app', version: '1.0.0' }, 'tls');
  authority = createAuthority();
  client = authority.issue('client');
  const server = authority.issue('server');
  open = await serveTls(plain, server);
  guarded = await serveTls(plain, { ...server, clients: authority.ca });
  await scene.secret('ca', { 'ca.crt': authority.ca });
  await scene.secret('all', { 'ca.crt': authority.ca, 'tls.crt': client.cert, 'tls.key': client.key });
});
after(() => scene.releases.release());

const rejected = (host: string, why: string): unknown[] =>
  both({ code: 'RegistryTlsRejected', message: `cannot reach registry ${host}: ${why}` });

describe('a registry behind TLS of a private authority', () => {
  it('is trusted by the ca.crt of a Secret, and read with the login of another', async () => {
    const auth = { ...WITH_LOGIN, tls: { secretRef: { name: 'ca' } } };
    assert.deepEqual(await scene.reach('trusted', open, { auth }), [null, '1.0.0']);
  });

  it('is not trusted without it, and the way out is named', async () => {
    await scene.secret('client-only', { 'tls.crt': client.cert, 'tls.key': client.key });
    const auth = { ...WITH_LOGIN, tls: { secretRef: { name: 'client-only' } } };
    const why =
      'its TLS certificate is signed by nobody who is trusted; put the certificate of its authority into the Secret of auth.tls.secretRef as ca.crt';
    assert.deepEqual(await scene.reach('untrusted', open, { auth }), rejected(open, why));
  });

  it('is read without a look at its certificate where that is asked for', async () => {
    const auth = { ...WITH_LOGIN, tls: { insecureSkipVerify: true } };
    assert.deepEqual(await scene.reach('unverified', open, { auth }), [null, '1.0.0']);
  });

  it('is not believed under another name', async () => {
    const other = await serveTls(plain, authority.issue('elsewhere', 'DNS:elsewhere.example'));
    const auth = { ...WITH_LOGIN, tls: { secretRef: { name: 'ca' } } };
    assert.deepEqual(
      await scene.reach('renamed', other, { auth }),
      rejected(other, 'its TLS certificate is for another name'),
    );
  });

  it('takes the client certificate of a Secret, and says when one is missing', async () => {
    const auth = { ...WITH_LOGIN, tls: { secretRef: { name: 'all' } } };
    assert.deepEqual(await scene.reach('client', guarded, { auth }), [null, '1.0.0']);
    const without = { ...WITH_LOGIN, tls: { secretRef: { name: 'ca' } } };
    const why =
      'it does not take our client certificate, or wants one; see tls.crt and tls.key in the Secret of auth.tls.secretRef';
    assert.deepEqual(await scene.reach('no-client', guarded, { auth: without }), rejected(guarded, why));
  });

  it('wants a login also from who has a client certificate', async () => {
    const [check, pull] = await scene.reach('no-login', guarded, { auth: { tls: { secretRef: { name: 'all' } } } });
    assert.partialDeepStrictEqual([check, pull], [{ code: 'AuthRequired' }, { code: 'AuthRequired' }]);
  });

  it('is trusted by files of the worker, where it may name some', async () => {
    const named = { caFile: authority.ca, certFile: client.cert, keyFile: client.key };
    const tls = Object.fromEntries(
      Object.entries(named).map(([field, text]) => {
        const path = join(files, `${field}.pem`);
        writeFileSync(path, text);
        return [field, path];
      }),
    );
    assert.deepEqual(await scene.reach('files', guarded, { auth: { ...WITH_LOGIN, tls } }), [null, '1.0.0']);
  });

  it('is not asked with files from anywhere else', async () => {
    const [folder, elsewhere] = [join(files, 'links'), join(temporaryFolder(), 'ca.pem')];
    mkdirSync(folder);
    writeFileSync(elsewhere, authority.ca);
    symlinkSync(elsewhere, join(folder, 'out.pem'));
    const wrong = [elsewhere, join(folder, 'out.pem'), `${folder}/../../etc/passwd`, 'ca.pem', `${files}-other/ca.pem`];
    for (const [i, caFile] of wrong.entries()) {
      const name = `outside-${i}`;
      const message = `auth.tls.caFile of HelmRepository ${scene.namespace}/${name} is ${JSON.stringify(caFile)}: only files below ${files} of the worker (HOLDFAST_TLS_FILES_DIR) can be named`;
      const auth = { ...WITH_LOGIN, tls: { caFile } };
      assert.deepEqual(await scene.reach(name, open, { auth }), both({ code: 'SpecInvalid', message }));
    }
    const auth = { ...WITH_LOGIN, tls: { caFile: join(files, 'none.pem') } };
    const message = `auth.tls.caFile of HelmRepository ${scene.namespace}/missing-file is ${JSON.stringify(join(files, 'none.pem'))}, and the worker has no such file`;
    assert.deepEqual(await scene.reach('missing-file', open, { auth }), both({ code: 'SecretNotFound', message }));
    writeFileSync(join(files, 'no.pem'), 'canary');
    const broken = await scene.reach('no-pem', open, {
      auth: { ...WITH_LOGIN, tls: { caFile: join(files, 'no.pem') } },
    });
    const why = `auth.tls of HelmRepository ${scene.namespace}/no-pem cannot be used: its caFile is no certificate in PEM`;
    assert.deepEqual(broken, both({ code: 'SecretInvalid', message: why }));
  });

  it('is never spoken to without TLS instead', async () => {
    const auth = { ...WITH_LOGIN, tls: { insecureSkipVerify: true } };
    const message = `registry ${plain} speaks plain HTTP; if that is meant, set spec.insecure: true on its HelmRepository, or name it in HOLDFAST_PLAIN_HTTP_REGISTRIES`;
    assert.deepEqual(await scene.reach('downgrade', plain, { auth }), both({ code: 'RegistryUnreachable', message }));
  });

  it('says that a Secret of it is missing or wrong', async () => {
    const missing = { code: 'SecretNotFound', message: `there is no Secret ${scene.namespace}/nowhere` };
    assert.deepEqual(
      await scene.reach('lost', open, { auth: { tls: { secretRef: { name: 'nowhere' } } } }),
      both(missing),
    );
    await scene.secret('broken', { 'ca.crt': 'canary' });
    const message = `Secret ${scene.namespace}/broken cannot be used: its ca.crt is no certificate in PEM`;
    const broken = both({ code: 'SecretInvalid', message });
    assert.deepEqual(await scene.reach('broken', open, { auth: { tls: { secretRef: { name: 'broken' } } } }), broken);
  });

  it('leaves no key behind', () => {
    assert.deepEqual(readdirSync(scene.releases.tools.folders.tmp), []);
  });
});

describe('a registry without TLS', () => {
  it('beyond loopback is spoken to without it only where that is said', async () => {
    // Leads to this machine, but is no address on loopback.
    const host = plain.replace('127.0.0.1', '0.0.0.0');
    const message = `registry ${host} speaks plain HTTP; if that is meant, set spec.insecure: true on its HelmRepository, or name it in HOLDFAST_PLAIN_HTTP_REGISTRIES`;
    const refused = both({ code: 'RegistryUnreachable', message });
    assert.deepEqual(await scene.reach('silent', host, { auth: WITH_LOGIN }), refused);
    assert.deepEqual(await scene.reach('secure', host, { auth: WITH_LOGIN, insecure: false }), refused);
    assert.deepEqual(await scene.reach('insecure', host, { auth: WITH_LOGIN, insecure: true }), [null, '1.0.0']);
  });
});
