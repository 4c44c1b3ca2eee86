# One image for web, worker and clock; docker-compose.yml says what each of them runs.
FROM python:3.11-slim-bookworm AS built

ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /build
# Without a pip of its own: that stays behind with whatever a library may need to be built.
RUN python -m venv --without-pip /opt/komo-braze

# The libraries alone, so that a change of ours does not install them anew.
COPY constraints.txt pyproject.toml ./
RUN python -c "import tomllib; print(*tomllib.load(open('pyproject.toml', 'rb'))['project']['dependencies'], sep='\n')" \
    > requirements.txt \
    && pip --python /opt/komo-braze/bin/python install --constraint constraints.txt --requirement requirements.txt

COPY README.md LICENSE ./
COPY schemas schemas
COPY workers workers
COPY ingest ingest
RUN pip --python /opt/komo-braze/bin/python install --constraint constraints.txt --no-deps .


FROM python:3.11-slim-bookworm

ENV PATH=/opt/komo-braze/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
RUN useradd --system --uid 10001 --create-home --home-dir /srv/komo-braze komo
COPY --from=built /opt/komo-braze /opt/komo-braze

WORKDIR /srv/komo-braze
USER komo
EXPOSE 8000
CMD ["komo-braze", "--help"]
