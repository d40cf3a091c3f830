# Two images: `worker` runs jobs, `sandboxes` is the local sandbox server with the templates that set-up installs.
FROM node:24-bookworm-slim AS build
WORKDIR /assay
COPY package.json package-lock.json .npmrc ./
RUN npm ci
COPY tsconfig.json ./
COPY bin bin
COPY setup setup
COPY src src
RUN bin/assay-node setup/build.ts && npm prune --omit=dev

FROM node:24-bookworm-slim AS runtime
WORKDIR /assay
# The Temporal SDK's native part checks certificates against the system's.
RUN apt-get update && apt-get install -y --no-install-recommends ca-certificates && rm -rf /var/lib/apt/lists/*
COPY --from=build /assay/package.json ./
COPY --from=build /assay/node_modules node_modules
COPY --from=build /assay/bin bin
COPY --from=build /assay/dist dist
ENV NODE_ENV=production ASSAY_HOME=/var/lib/assay
RUN install -d -o node -g node /var/lib/assay

FROM runtime AS worker
USER node
VOLUME /var/lib/assay
CMD ["node", "dist/worker.js"]

FROM node:24-bookworm-slim AS node-template
WORKDIR /template
COPY templates/node/package.json templates/node/package-lock.json ./
RUN npm ci --ignore-scripts

FROM runtime AS sandboxes
RUN apt-get update && apt-get install -y --no-install-recommends bubblewrap python3 python3-pip curl git iproute2 jq procps unzip && rm -rf /var/lib/apt/lists/*
COPY templates/default/requirements.txt /tmp/requirements.txt
RUN python3 -m pip install --no-cache-dir --only-binary=:all: --target /var/lib/assay/templates/default/site-packages -r /tmp/requirements.txt
COPY --from=node-template /template/node_modules /var/lib/assay/templates/node/node_modules
RUN install -d -o node -g node /var/lib/assay/sandboxes
USER node
VOLUME /var/lib/assay/sandboxes
EXPOSE 7280
CMD ["node", "dist/cli/main.js", "sandbox", "serve", "--host", "0.0.0.0"]
