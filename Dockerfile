# One image for every service; the command chooses which, and standalone is the default.
FROM node:24-bookworm-slim AS build
WORKDIR /app
COPY package.json pnpm-lock.yaml pnpm-workspace.yaml ./
# The exact pnpm of package.json. The lockfile alone decides this layer: sources change without a download.
RUN npx -y "$(node -p "require('./package.json').packageManager")" fetch --prod
COPY . .
RUN npx -y "$(node -p "require('./package.json').packageManager")" install --prod --frozen-lockfile --offline

FROM node:24-bookworm-slim
LABEL org.opencontainers.image.title="Moltbot" org.opencontainers.image.licenses="Apache-2.0"
ENV NODE_ENV=production MOLTBOT_DATA_DIR=/data
# A volume mounted here takes this owner.
RUN install -d -o node -g node -m 0700 /data
WORKDIR /app
COPY --from=build /app ./
USER node
EXPOSE 8420
CMD ["node", "services/standalone/src/main.ts"]
