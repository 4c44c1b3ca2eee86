# One image for web, worker and clock; docker-compose.yml says what each of them runs.
FROM python:3.11-slim-bookworm

ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1

RUN useradd --system --uid 10001 --create-home --home-dir /srv/komo-braze komo
WORKDIR /srv/komo-braze

# The libraries alone, so that a change of ours does not install them anew.
COPY constraints.txt pyproject.toml ./
RUN python -c "import tomllib; print(*tomllib.load(open('pyproject.toml', 'rb'))['project']['dependencies'], sep='\n')" \
    > /tmp/requirements.txt \
    && pip install --constraint constraints.txt --requirement /tmp/requirements.txt \
    && rm /tmp/requirements.txt

COPY README.md LICENSE ./
COPY schemas schemas
COPY workers workers
COPY ingest ingest
RUN pip install --constraint constraints.txt --no-deps .

USER komo
EXPOSE 8000
CMD ["komo-braze", "--help"]
