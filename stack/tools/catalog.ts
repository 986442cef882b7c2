/** Every tool that Holdfast runs, its version, and the two ways to have it when it is not on the machine. */

export const TOOL_NAMES = [
  'helm',
  'oras',
  'temporal',
  'kube-apiserver',
  'kube-controller-manager',
  'kube-scheduler',
  'kubectl',
  'etcd',
  'kwok',
  'registry',
] as const;
export type ToolName = (typeof TOOL_NAMES)[number];

export interface Platform {
  readonly os: 'linux' | 'darwin';
  readonly arch: 'amd64' | 'arm64';
}

/** `{version}`, `{os}` and `{arch}` are filled in. */
export interface Download {
  readonly url: string;
  /**
   * Where the publisher says what the file's sha256 is: a bare sum, lines of `sum  name`, or GitHub's description of
   * the release, which lists a digest for each file.
   */
  readonly checksum: string;
  /** Path of the binary inside the archive; null: the file is the binary. */
  readonly member: string | null;
  readonly os: readonly Platform['os'][];
}

export interface GoBuild {
  readonly module: string;
  readonly version: string;
  readonly package: string;
  /**
   * `install` builds the module as its authors released it. `require` builds it as a dependency of an empty module:
   * needed where its go.mod has replacements. `kubernetes` does so with the replacements of k8s.io/kubernetes.
   */
  readonly by: 'install' | 'require' | 'kubernetes';
  readonly ldflags: string;
  /** Measured on two cores, downloads included. */
  readonly minutes: number;
  /** Disk for sources and objects while building, freed afterwards. */
  readonly scratchMb: number;
}

export interface Tool {
  readonly version: string;
  /** A binary on PATH serves from this version on … */
  readonly from: string;
  /** … and below this one. */
  readonly below: string;
  readonly versionArgs: readonly string[];
  readonly sizeMb: number;
  readonly download: Download;
  readonly build: GoBuild;
}

const KUBERNETES = '1.37.2';
const KUBERNETES_LDFLAGS = [`gitVersion=v${KUBERNETES}`, 'gitMajor=1', 'gitMinor=37']
  .map((setting) => `-X k8s.io/component-base/version.${setting}`)
  .join(' ');

function kubernetes(
  name: string,
  options: { versionArgs: readonly string[]; os: Download['os'] } & Pick<Tool, 'sizeMb'> &
    Pick<GoBuild, 'minutes' | 'scratchMb'>,
): Tool {
  const url = `https://dl.k8s.io/v{version}/bin/{os}/{arch}/${name}`;
  return {
    version: KUBERNETES,
    from: '1.37.0',
    below: '1.38.0',
    versionArgs: options.versionArgs,
    sizeMb: options.sizeMb,
    download: { url, checksum: `${url}.sha256`, member: null, os: options.os },
    build: {
      module: 'k8s.io/kubernetes',
      version: `v${KUBERNETES}`,
      package: `k8s.io/kubernetes/cmd/${name}`,
      by: 'kubernetes',
      ldflags: KUBERNETES_LDFLAGS,
      minutes: options.minutes,
      scratchMb: options.scratchMb,
    },
  };
}

const BOTH = ['linux', 'darwin'] as const;
const LINUX = ['linux'] as const;

export const CATALOG: Readonly<Record<ToolName, Tool>> = {
  helm: {
    version: '4.3.0',
    from: '4.3.0',
    below: '5.0.0',
    versionArgs: ['version', '--template', '{{.Version}}'],
    sizeMb: 67,
    download: {
      url: 'https://get.helm.sh/helm-v{version}-{os}-{arch}.tar.gz',
      checksum: 'https://get.helm.sh/helm-v{version}-{os}-{arch}.tar.gz.sha256sum',
      member: '{os}-{arch}/helm',
      os: BOTH,
    },
    build: {
      module: 'helm.sh/helm/v4',
      version: 'v4.3.0',
      package: 'helm.sh/helm/v4/cmd/helm',
      by: 'install',
      ldflags: '-X helm.sh/helm/v4/internal/version.version=v4.3.0',
      minutes: 2,
      scratchMb: 2200,
    },
  },
  oras: {
    version: '1.3.6',
    from: '1.3.0',
    below: '2.0.0',
    versionArgs: ['version'],
    sizeMb: 12,
    download: {
      url: 'https://github.com/oras-project/oras/releases/download/v{version}/oras_{version}_{os}_{arch}.tar.gz',
      checksum: 'https://github.com/oras-project/oras/releases/download/v{version}/oras_{version}_checksums.txt',
      member: 'oras',
      os: BOTH,
    },
    build: {
      module: 'oras.land/oras',
      version: 'v1.3.6',
      package: 'oras.land/oras/cmd/oras',
      by: 'install',
      ldflags: '',
      minutes: 0.5,
      scratchMb: 300,
    },
  },
  temporal: {
    version: '1.5.1',
    from: '1.5.0',
    below: '2.0.0',
    versionArgs: ['--version'],
    sizeMb: 213,
    download: {
      url: 'https://github.com/temporalio/cli/releases/download/v{version}/temporal_cli_{version}_{os}_{arch}.tar.gz',
      checksum: 'https://github.com/temporalio/cli/releases/download/v{version}/checksums.txt',
      member: 'temporal',
      os: BOTH,
    },
    build: {
      module: 'github.com/temporalio/cli',
      // Later versions replace a module in their go.mod, which `go install` refuses.
      version: 'v1.5.1',
      package: 'github.com/temporalio/cli/cmd/temporal',
      by: 'install',
      ldflags: '-X github.com/temporalio/cli/temporalcli.Version=1.5.1',
      minutes: 2.5,
      scratchMb: 2600,
    },
  },
  'kube-apiserver': kubernetes('kube-apiserver', {
    versionArgs: ['--version'],
    // Servers are released for Linux only; on macOS they are built.
    os: LINUX,
    sizeMb: 119,
    minutes: 4,
    scratchMb: 3600,
  }),
  'kube-controller-manager': kubernetes('kube-controller-manager', {
    versionArgs: ['--version'],
    os: LINUX,
    sizeMb: 105,
    minutes: 1.5,
    scratchMb: 900,
  }),
  'kube-scheduler': kubernetes('kube-scheduler', {
    versionArgs: ['--version'],
    os: LINUX,
    sizeMb: 81,
    minutes: 0.3,
    scratchMb: 200,
  }),
  kubectl: kubernetes('kubectl', {
    versionArgs: ['version', '--client'],
    os: BOTH,
    sizeMb: 62,
    minutes: 0.7,
    scratchMb: 400,
  }),
  etcd: {
    version: '3.7.3',
    from: '3.6.0',
    below: '4.0.0',
    versionArgs: ['--version'],
    sizeMb: 25,
    download: {
      url: 'https://github.com/etcd-io/etcd/releases/download/v{version}/etcd-v{version}-{os}-{arch}.tar.gz',
      checksum: 'https://github.com/etcd-io/etcd/releases/download/v{version}/SHA256SUMS',
      member: 'etcd-v{version}-{os}-{arch}/etcd',
      os: LINUX,
    },
    build: {
      module: 'go.etcd.io/etcd/server/v3',
      version: 'v3.7.3',
      package: 'go.etcd.io/etcd/server/v3',
      by: 'require',
      ldflags: '',
      minutes: 0.5,
      scratchMb: 400,
    },
  },
  kwok: {
    version: '0.8.0',
    from: '0.8.0',
    below: '0.9.0',
    versionArgs: ['--version'],
    sizeMb: 64,
    download: {
      url: 'https://github.com/kubernetes-sigs/kwok/releases/download/v{version}/kwok-{os}-{arch}',
      checksum: 'https://api.github.com/repos/kubernetes-sigs/kwok/releases/tags/v{version}',
      member: null,
      os: BOTH,
    },
    build: {
      module: 'sigs.k8s.io/kwok',
      version: 'v0.8.0',
      package: 'sigs.k8s.io/kwok/cmd/kwok',
      by: 'install',
      ldflags: '',
      minutes: 1.2,
      scratchMb: 600,
    },
  },
  registry: {
    version: '3.1.2',
    from: '3.0.0',
    below: '4.0.0',
    versionArgs: ['--version'],
    sizeMb: 56,
    download: {
      url: 'https://github.com/distribution/distribution/releases/download/v{version}/registry_{version}_{os}_{arch}.tar.gz',
      checksum:
        'https://github.com/distribution/distribution/releases/download/v{version}/registry_{version}_{os}_{arch}.tar.gz.sha256',
      member: 'registry',
      os: LINUX,
    },
    build: {
      module: 'github.com/distribution/distribution/v3',
      version: 'v3.1.2',
      package: 'github.com/distribution/distribution/v3/cmd/registry',
      by: 'install',
      ldflags: '',
      minutes: 1,
      scratchMb: 1000,
    },
  },
};

/** Fetched for a build where there is no suitable Go, and removed after it. */
export const GO = {
  version: '1.26.8',
  url: 'https://dl.google.com/go/go{version}.{os}-{arch}.tar.gz',
  checksum: 'https://dl.google.com/go/go{version}.{os}-{arch}.tar.gz.sha256',
  /** Path of the binary inside the archive. */
  member: 'go/bin/go',
  scratchMb: 350,
} as const;

/** Fill a template of the catalog for one tool and machine. */
export function fill(template: string, version: string, platform: Platform): string {
  return template.replaceAll('{version}', version).replaceAll('{os}', platform.os).replaceAll('{arch}', platform.arch);
}

/** The variable that names a tool's binary, for example `HOLDFAST_TOOL_KUBE_APISERVER`. */
export function settingOf(name: ToolName): string {
  return `HOLDFAST_TOOL_${name.toUpperCase().replaceAll('-', '_')}`;
}
