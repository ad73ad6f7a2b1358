# A telephone without a face: calls the agent and plays a recording, or is called.
FROM debian:bookworm-slim
RUN apt-get update \
    && apt-get install --yes --no-install-recommends baresip-core \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10002 --home-dir /phone --create-home phone
COPY docker/baresip /phone/.baresip
RUN chown -R phone /phone
USER phone
WORKDIR /phone
ENTRYPOINT ["baresip", "-f", "/phone/.baresip"]
