# Mayfly in a container, for docs/container.md. It needs /dev/kvm at most: no privilege, no root, no socket of its host.
FROM debian:trixie-slim AS build
RUN apt-get update \
 && apt-get install --yes --no-install-recommends ca-certificates nodejs npm
WORKDIR /opt/mayfly
COPY package.json package-lock.json .npmrc ./
# Where a proxy on the way speaks TLS in the registry's name: docker build --secret id=ca,src=FILE
RUN --mount=type=secret,id=ca \
    if [ -s /run/secrets/ca ]; then export NODE_EXTRA_CA_CERTS=/run/secrets/ca; fi \
 && npm ci --no-audit --no-fund
COPY tsconfig.json tsconfig.build.json ./
COPY config config
COPY images images
COPY runner runner
COPY orchestrator orchestrator
RUN npm run build && npm prune --omit=dev --no-audit --no-fund

FROM debian:trixie-slim
LABEL org.opencontainers.image.title="Mayfly" \
      org.opencontainers.image.description="CI jobs in virtual machines that live for one job" \
      org.opencontainers.image.licenses="Apache-2.0"
# Nothing in here gains rights: the last line takes from Debian's programs what would let them.
RUN apt-get update \
 && apt-get install --yes --no-install-recommends \
      ca-certificates e2fsprogs git iproute2 mmdebstrap nodejs openssh-client qemu-system-x86 qemu-utils redis-server \
      slirp4netns tini xz-utils zstd \
 && rm -rf /var/lib/apt/lists/* /var/cache/* /var/log/* \
 && find / -xdev -type f -perm /6000 -exec chmod a-s {} +
# A volume takes its owner from the folder that it is mounted over.
RUN useradd --uid 10001 --user-group --home-dir /data --no-create-home --shell /usr/sbin/nologin mayfly \
 && install --directory --owner=mayfly --group=mayfly --mode=0700 /data /redis /secrets \
 && ln -s /opt/mayfly/dist/orchestrator/command/main.js /usr/local/bin/mayfly
WORKDIR /opt/mayfly
COPY --from=build /opt/mayfly/node_modules node_modules
COPY --from=build /opt/mayfly/dist dist
COPY package.json LICENSE ./
COPY images/debian-12-local images/debian-12-local
COPY runner/template/thaw.py runner/template/
COPY orchestrator/pages/assets orchestrator/pages/assets
COPY config/examples config/examples
RUN chmod +x dist/orchestrator/command/main.js
USER mayfly
ENV MAYFLY_DATA=/data
VOLUME /data
EXPOSE 8470
HEALTHCHECK --interval=30s --timeout=30s --start-period=2m CMD ["mayfly", "health"]
# Reaps what machines leave behind, also where it is not the first process.
ENTRYPOINT ["tini", "-s", "--", "mayfly"]
CMD ["serve"]
