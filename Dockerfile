# Worker and API in one image. Debian, because the native part of Temporal's SDK needs glibc.
# docs/containers.md says how it is built, also without the internet.
ARG BASE=node:24.21.0-bookworm-slim

FROM ${BASE} AS dependencies
# What a builder without BuildKit leaves behind of the stages can be told by it.
LABEL dev.holdfast.stage=build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev --no-audit \
 && rm -rf node_modules/node-linux-* node_modules/node-darwin-* node_modules/node-bin-* \
 && find node_modules/@temporalio/core-bridge/releases -mindepth 1 -maxdepth 1 \
      ! -name "$(uname -m)-unknown-linux-gnu" -exec rm -rf {} +

FROM dependencies AS build
COPY runtime runtime
COPY workflows workflows
COPY activities activities
COPY worker worker
COPY api api
RUN node worker/build-bundle.ts /app/workflows.js

# helm and oras as npm start gets them: the versions of stack/tools/catalog.ts, from their publishers, checked against
# the sums that stand beside them. Binaries in a folder image-tools of the checkout are taken instead.
FROM dependencies AS tools
COPY stack stack
COPY LICENSE image-tool[s]/* /image-tools/
RUN node stack/image-tools.ts /image-tools /tools

FROM ${BASE}
RUN apt-get update \
 && apt-get install --yes --no-install-recommends ca-certificates git util-linux \
 && apt-get clean \
 && rm -rf /var/lib/apt/lists/* \
 && install --directory --owner=10001 --group=10001 --mode=0700 /data
COPY --from=tools /tools/ /usr/local/bin/
WORKDIR /app
COPY --from=build /app ./
ENV NODE_ENV=production \
    HOME=/tmp \
    HOLDFAST_DATA_DIR=/data \
    HOLDFAST_WORKFLOW_BUNDLE=/app/workflows.js
USER 10001:10001
CMD ["node", "--max-semi-space-size=64", "--import=./worker/workflow-thread/preload.ts", "worker/main.ts"]
