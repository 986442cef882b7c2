/** Run by helm: changes the manifests of its input, and prints them. The argument names a file of what is put on them. */
import { readFileSync, writeSync } from 'node:fs';
import process from 'node:process';
import { type CommonMetadata, withCommonMetadata } from './common-metadata.ts';

const [file = ''] = process.argv.slice(2);
// Written by `writePostRenderer`.
const common = JSON.parse(readFileSync(file, 'utf8')) as CommonMetadata;
const rendered = Buffer.from(withCommonMetadata(readFileSync(process.stdin.fd, 'utf8'), common));
for (let written = 0; written < rendered.length;) written += writeSync(process.stdout.fd, rendered, written);
