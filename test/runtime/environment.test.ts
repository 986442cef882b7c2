import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { z } from 'zod';
import {
  addressText,
  baseUrlText,
  booleanText,
  clusterText,
  fileText,
  integerText,
  logLevelText,
  portText,
  readEnvironment,
  readSecretFile,
  SettingsError,
} from '../../runtime/environment.ts';

const folder = mkdtempSync(join(tmpdir(), 'holdfast-environment-'));
after(() => {
  rmSync(folder, { recursive: true, force: true });
});
const file = join(folder, 'file');
writeFileSync(file, 'content');

describe('readEnvironment', () => {
  const accepted = [
    { name: 'a boolean', type: booleanText, text: 'false', value: false },
    { name: 'space around a value', type: booleanText, text: ' true ', value: true },
    { name: 'a port', type: portText, text: '7400', value: 7400 },
    { name: 'the smallest integer', type: integerText(1, 9), text: '1', value: 1 },
    { name: 'an existing file', type: fileText, text: file, value: file },
    { name: 'an address', type: addressText, text: 'temporal.example.com:7233', value: 'temporal.example.com:7233' },
    { name: 'an IPv6 address', type: addressText, text: '[::1]:7233', value: '[::1]:7233' },
    {
      name: 'a base URL, its slash cut',
      type: baseUrlText,
      text: 'https://ui.example.com/',
      value: 'https://ui.example.com',
    },
    { name: 'a cluster', type: clusterText, text: 'eu-1', value: 'eu-1' },
    { name: 'no cluster', type: clusterText, text: '', value: 'local' },
    { name: 'no level', type: logLevelText, text: undefined, value: 'info' },
  ];
  for (const { name, type, text, value } of accepted) {
    it(`takes ${name}`, () => {
      assert.deepEqual(readEnvironment(z.object({ HOLDFAST_X: type }), { HOLDFAST_X: text }), { HOLDFAST_X: value });
    });
  }

  const refused = [
    { type: booleanText, text: 'yes', message: 'HOLDFAST_X is "yes": expected true or false' },
    { type: portText, text: '65536', message: 'HOLDFAST_X is "65536": expected a whole number from 0 to 65535' },
    { type: portText, text: '0x10', message: 'HOLDFAST_X is "0x10": expected a whole number from 0 to 65535' },
    { type: portText, text: '-1', message: 'HOLDFAST_X is "-1": expected a whole number from 0 to 65535' },
    {
      type: fileText,
      text: folder,
      message: `HOLDFAST_X is "${folder}": expected the path of an existing, readable file`,
    },
    {
      type: addressText,
      text: 'http://a:1',
      message: 'HOLDFAST_X is "http://a:1": expected host:port without a scheme',
    },
    {
      type: baseUrlText,
      text: 'https://u:p@a',
      message: 'HOLDFAST_X is "https://u:p@a": expected an http(s) URL without credentials, query and fragment',
    },
    {
      type: clusterText,
      text: 'a/b',
      message:
        'HOLDFAST_X is "a/b": expected 1 to 40 lower-case letters, digits and dashes, the first and last one no dash',
    },
    {
      type: logLevelText,
      text: 'loud',
      message: 'HOLDFAST_X is "loud": expected one of trace, debug, info, warn, error, silent',
    },
    { type: z.string(), text: undefined, message: 'HOLDFAST_X is not set' },
    { type: z.string(), text: ' ', message: 'HOLDFAST_X is not set' },
  ];
  for (const { type, text, message } of refused) {
    it(`refuses ${JSON.stringify(text)}: ${message}`, () => {
      assert.throws(
        () => readEnvironment(z.object({ HOLDFAST_X: type }), { HOLDFAST_X: text }),
        new SettingsError(message),
      );
    });
  }

  it('says all that is wrong at once', () => {
    const schema = z.object({ HOLDFAST_A: booleanText, HOLDFAST_B: portText, HOLDFAST_C: z.string() });
    assert.throws(() => readEnvironment(schema, { HOLDFAST_A: 'x', HOLDFAST_B: 'y', HOLDFAST_C: 'z' }), {
      message: 'HOLDFAST_A is "x": expected true or false\nHOLDFAST_B is "y": expected a whole number from 0 to 65535',
    });
  });

  it('does not repeat a secret that stands where its file belongs', () => {
    assert.throws(
      () => readEnvironment(z.object({ HOLDFAST_API_KEY_FILE: fileText }), { HOLDFAST_API_KEY_FILE: 'canary-key' }),
      { message: 'HOLDFAST_API_KEY_FILE: expected the path of an existing, readable file' },
    );
  });
});

describe('readSecretFile', () => {
  it('cuts the newline', () => {
    writeFileSync(join(folder, 'key'), 'canary\n');
    assert.equal(readSecretFile('HOLDFAST_X', join(folder, 'key')), 'canary');
  });
  for (const { content, message } of [
    { content: '\n', message: 'HOLDFAST_X: the file is empty' },
    { content: 'canary one\n', message: 'HOLDFAST_X: the file holds more than one word' },
  ]) {
    it(`refuses ${JSON.stringify(content)}`, () => {
      writeFileSync(join(folder, 'bad'), content);
      assert.throws(() => readSecretFile('HOLDFAST_X', join(folder, 'bad')), { message });
    });
  }
  it('says why a file cannot be read', () => {
    assert.throws(() => readSecretFile('HOLDFAST_X', join(folder, 'none')), {
      message: 'HOLDFAST_X: the file cannot be read (ENOENT)',
    });
  });
});
