# Two images: `server` serves and migrates, `seed` migrates and fills the database with a generated catalogue.
# .dockerignore lets in no more than they run.

FROM node:26-slim AS packages
WORKDIR /app
COPY package.json package-lock.json ./
# No package that runs here needs a script of its own to be set up.
RUN npm ci --omit=dev --ignore-scripts

FROM packages AS server-packages
# These only the seeder needs.
RUN rm -r node_modules/@faker-js node_modules/pg-copy-streams

FROM node:26-slim AS base
LABEL org.opencontainers.image.title="frontshelf" \
      org.opencontainers.image.version="0.1.0" \
      org.opencontainers.image.licenses="MIT"
WORKDIR /app
COPY package.json config.ts ./
COPY sql sql
USER node

FROM base AS seed
COPY --from=packages /app/node_modules node_modules
COPY seed seed
CMD ["node", "seed/main.ts"]

# The last, so that it is what `docker build .` makes.
FROM base AS server
COPY --from=server-packages /app/node_modules node_modules
COPY cache cache
COPY metrics metrics
COPY server server
COPY storefront storefront
COPY cluster cluster
# A container's loopback address reaches nobody.
ENV HOST=0.0.0.0
EXPOSE 3000
# Ready is what other containers and load balancers wait for; a worker that is lost the primary replaces by itself.
HEALTHCHECK --interval=5s --timeout=3s --start-period=30s --retries=3 \
  CMD ["node", "--eval", "fetch(`http://127.0.0.1:${process.env.ADMIN_PORT || 3001}/readyz`).then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
CMD ["node", "cluster/main.ts"]
