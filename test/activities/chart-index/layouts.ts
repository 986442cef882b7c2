/** The same index as various programs lay it out. */
export const LAYOUTS: Readonly<Record<string, string>> = {
  'helm repo index': `apiVersion: v1
entries:
  app:
  - apiVersion: v2
    appVersion: "1"
    created: "2026-01-02T03:04:05.678901234Z"
    dependencies:
    - name: common
      repository: https://charts.example.com
      version: 9.9.9
    description: A chart whose description is folded, because Go folds what is longer
      than eighty letters
    digest: ${'a'.repeat(64)}
    keywords:
    - version
    name: app
    urls:
    - app-1.1.0.tgz
    - https://mirror.example.com/app-1.1.0.tgz
    version: 1.1.0
  - apiVersion: v2
    urls:
    - app-1.0.0.tgz
    version: 1.0.0
  web:
  - urls:
    - https://elsewhere.example.com/web-2.0.0.tgz
    version: 2.0.0
generated: "2026-01-02T03:04:05.678901234Z"
`,
  'indented lists, quotes, comments and a document mark': `# made by hand
---
"apiVersion": "v1"
generated: '2026'
serverInfo:
    contextPath: ""
entries:   # all of them

    'app':   # the first
        # newest first
        -   "version": '1.1.0'   # quoted
            annotations:
                text: |
                    version: 3.0.0
                  # no comment
                    - version: 4.0.0

                "folded": >-
                    urls:
            urls: ["app-1.1.0.tgz", other]
        -
            version:
                1.0.0
            urls:
                -
                    app-1.0.0.tgz

    web:
        - {version: 2.0.0, urls: [https://elsewhere.example.com/web-2.0.0.tgz]}
`,
  'Windows line ends and a mark of byte order': `\uFEFFapiVersion: v1\r
entries:\r
  app:\r
  - version: 1.1.0\r
    urls:\r
    - app-1.1.0.tgz\r
  - version: 1.0.0\r
    urls: [app-1.0.0.tgz]\r
  web:\r
  - version: 2.0.0\r
    urls:\r
    - https://elsewhere.example.com/web-2.0.0.tgz`,
  'helm repo index --json': JSON.stringify(
    {
      apiVersion: 'v1',
      entries: {
        app: [
          { version: '1.1.0', urls: ['app-1.1.0.tgz'], description: 'a "quoted" } ] \\ \u00e9' },
          { version: '1.0.0', urls: ['app-1.0.0.tgz'], entries: { app: [{ version: '9.9.9', urls: ['x'] }] } },
        ],
        web: [{ version: '2.0.0', urls: ['https://elsewhere.example.com/web-2.0.0.tgz'] }],
      },
    },
    null,
    2,
  ),
  'JSON in one line, with other things first': JSON.stringify({
    entriesCount: 2,
    serverInfo: { entries: { no: [{ version: '0.0.1', urls: ['x'] }] }, list: [{ entries: [] }] },
    note: 'entries',
    entries: {
      app: [
        { urls: ['app-1.1.0.tgz'], version: '1.1.0' },
        { urls: ['app-1.0.0.tgz'], version: '1.0.0' },
      ],
      web: [{ urls: ['https://elsewhere.example.com/web-2.0.0.tgz'], version: '2.0.0' }],
    },
  }),
  'anchors, which only the parser follows': `entries:
  app: &app
  - version: 1.1.0
    urls: [app-1.1.0.tgz]
  - version: 1.0.0
    urls: [app-1.0.0.tgz]
  web: [{version: 2.0.0, urls: [https://elsewhere.example.com/web-2.0.0.tgz]}]
`,
  'YAML that begins like JSON': `{entries: {app: [
  {version: 1.1.0, urls: [app-1.1.0.tgz]}, {version: 1.0.0, urls: [app-1.0.0.tgz]}],
  web: [{version: 2.0.0, urls: [https://elsewhere.example.com/web-2.0.0.tgz]}]}}`,
};

export const BOTH = {
  app: [
    ['1.1.0', 'app-1.1.0.tgz'],
    ['1.0.0', 'app-1.0.0.tgz'],
  ],
  web: [['2.0.0', 'https://elsewhere.example.com/web-2.0.0.tgz']],
};
