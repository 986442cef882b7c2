/** Small charts, made and pushed by the real helm. */
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { packChart, pushArchive, type HelmTools } from '../../stack/chart-archive.ts';
import { temporaryFolder, type SharedStack } from './harness.ts';

export interface TestChart {
  readonly name: string;
  readonly version: string;
  /** More files, or others in place of the usual ones, by path in the chart. */
  readonly files?: Readonly<Record<string, string>>;
}

/** One Deployment that values make ready, slow or never ready, and one ConfigMap; no template names a namespace. */
const FILES: Readonly<Record<string, string>> = {
  'values.yaml': 'message: hello\nreplicas: 1\npodLabels: {}\n',
  'values.schema.json': JSON.stringify({ type: 'object', properties: { replicas: { type: 'integer', maximum: 9 } } }),
  'templates/config.yaml': `apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ .Release.Name }}
data:
  message: {{ .Values.message | quote }}
`,
  'templates/deployment.yaml': `apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ .Release.Name }}
spec:
  replicas: {{ .Values.replicas }}
  selector:
    matchLabels: { app: {{ .Release.Name }} }
  template:
    metadata:
      labels:
        app: {{ .Release.Name }}
        {{- with .Values.podLabels }}{{ toYaml . | nindent 8 }}{{ end }}
    spec:
      containers:
        - name: main
          image: registry.example.com/main:1
`,
};

/** Package a chart and push it to `oci://<registry>/<folder>`; answers its URL there. */
export async function pushChart(stack: SharedStack, chart: TestChart, folder = 'charts'): Promise<string> {
  const tools = { bin: stack.bin, home: temporaryFolder() };
  const to = { registry: stack.registry, folder, login: stack.registryLogin };
  return `${await pushArchive(tools, await packTestChart(tools, chart), to)}/${chart.name}`;
}

/** Package a chart; answers its archive. */
export async function packTestChart(tools: HelmTools, chart: TestChart): Promise<string> {
  const path = join(mkdtempSync(join(tools.home, 'source-')), chart.name);
  const files = {
    'Chart.yaml': `apiVersion: v2\nname: ${chart.name}\nversion: ${chart.version}\nappVersion: "1"\n`,
    ...FILES,
    ...chart.files,
  };
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(path, name)), { recursive: true });
    writeFileSync(join(path, name), content);
  }
  return packChart(tools, path);
}
