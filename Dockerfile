# syntax=docker/dockerfile:1
# Builds from any base that has python3 3.11 or newer: --build-arg BASE_IMAGE=...
ARG BASE_IMAGE=python:3.13-slim-bookworm

FROM ${BASE_IMAGE} AS build
WORKDIR /src
RUN python3 -m venv /opt/sidecar
COPY requirements.lock ./
RUN /opt/sidecar/bin/python -m pip install --no-cache-dir --disable-pip-version-check --require-hashes -r requirements.lock
COPY pyproject.toml README.md LICENSE ./
COPY config config
COPY alerts alerts
COPY dashboards dashboards
COPY sidecar sidecar
# Bytecode is compiled now: the root file system is read-only at run time, and compiling costs a second of every start.
RUN /opt/sidecar/bin/python -m pip install --no-cache-dir --disable-pip-version-check --no-deps --no-build-isolation . \
    && /opt/sidecar/bin/python -m pip uninstall --yes --quiet hatchling pip \
    && /opt/sidecar/bin/python -m compileall -q /opt/sidecar/lib

FROM ${BASE_IMAGE}
LABEL org.opencontainers.image.title="sidecar" \
      org.opencontainers.image.description="Observability sidecar and metrics exporter" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build /opt/sidecar /opt/sidecar
ENV PATH=/opt/sidecar/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
USER 65532:65532
EXPOSE 9464
HEALTHCHECK --interval=10s --timeout=3s --start-period=5s CMD ["sidecar", "healthcheck"]
ENTRYPOINT ["sidecar"]
CMD ["run"]
