"""Every setting, as one frozen tree: read once at the edge, handed down by part.

In: defaults, then `ax.yaml`, then `AX_*` variables, then command-line options. Out: a `Config`.
The path of a setting names its variable: `store.flush_interval` is `AX_STORE_FLUSH_INTERVAL`.
"""

from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer

from exporter.dimensions import DIMENSIONS
from exporter.units import format_duration, format_size, parse_duration, parse_size

LOOPBACK: Final = "localhost"
"""As a host: 127.0.0.1, and ::1 where the machine has it."""

Duration = Annotated[
    int,
    BeforeValidator(lambda raw: parse_duration(raw) if isinstance(raw, str) else raw),
    PlainSerializer(format_duration, return_type=str, when_used="json"),
]
"""Nanoseconds; written as `30s`."""
Size = Annotated[
    int,
    BeforeValidator(lambda raw: parse_size(raw) if isinstance(raw, str) else raw),
    PlainSerializer(format_size, return_type=str, when_used="json"),
]
"""Bytes; written as `16MiB`."""
Names = Annotated[
    tuple[str, ...],
    BeforeValidator(lambda raw: tuple(filter(None, raw.split(","))) if isinstance(raw, str) else tuple(raw)),
    PlainSerializer(",".join, return_type=str, when_used="json"),
]
"""Some of several names; written as `service_name,model`."""

File = Annotated[Path | None, Field(strict=False)]
"""A path; in a file of settings one that is relative to it."""


class _Settings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Limits(_Settings):
    """What one request may be, and what of one record is kept."""

    request_bytes: Size = Field(16 * 2**20, description="largest request, inflated")
    compressed_bytes: Size = Field(4 * 2**20, description="largest request as sent, where it is compressed")
    inflation_ratio: int = Field(200, description="largest inflated/compressed ratio of a request above 1MiB")
    items: int = Field(50_000, description="most spans, points or log records in a request")
    attributes: int = Field(128, description="most attributes kept of a record")
    key_bytes: Size = Field(256, description="longest attribute key kept")
    value_bytes: Size = Field(64 * 2**10, description="longest attribute value or log body kept whole")
    prompt_bytes: Size = Field(256 * 2**10, description="the same for prompts and completions")
    depth: int = Field(20, description="deepest nesting of an attribute value")


class Receive(_Settings):
    """The OTLP endpoints."""

    grpc: str = Field("localhost:4317", description="HOST:PORT of OTLP/gRPC; port 0 takes a free one")
    http: str = Field("localhost:4318", description="HOST:PORT of OTLP/HTTP")
    read_timeout: Duration = Field(10 * 10**9, description="longest wait for a request's next bytes")
    in_flight_bytes: Size = Field(256 * 2**20, description="request bytes held in memory before refusal")
    retry_after_min: Duration = Field(500 * 10**6, description="least delay that an overloaded server asks for")
    retry_after_max: Duration = Field(2 * 10**9, description="most delay that an overloaded server asks for")
    self_metrics_interval: Duration = Field(10 * 10**9, description="how often our own counters are stored; 0s: never")


class Journal(_Settings):
    """The log that a request is in before it is acknowledged."""

    file_bytes: Size = Field(64 * 2**20, description="size of one journal file")
    backlog_bytes: Size = Field(2 * 2**30, description="bytes that wait to be stored before requests are refused")
    dedup_window: Duration = Field(600 * 10**9, description="how long an identical request counts as a retry")
    dedup_requests: int = Field(100_000, description="how many requests are remembered for that")
    min_free_bytes: Size = Field(100 * 10**6, description="free disk under which requests are refused")


class Retention(_Settings):
    """How long rows are kept, by their time."""

    spans: Duration = Field(7 * 86_400 * 10**9, description="spans")
    spans_pending: Duration = Field(86_400 * 10**9, description="copies of spans sent when they started")
    logs: Duration = Field(30 * 86_400 * 10**9, description="log records")
    metrics: Duration = Field(90 * 86_400 * 10**9, description="metric points")
    runs: Duration = Field(30 * 86_400 * 10**9, description="runs of workflows and their steps")
    cells_1min: Duration = Field(30 * 86_400 * 10**9, description="rollups by minute")
    cells_1hour: Duration = Field(90 * 86_400 * 10**9, description="rollups by hour")
    cells_1day: Duration = Field(365 * 86_400 * 10**9, description="rollups by day")


class Rollup(_Settings):
    """What rows add up to by minute, hour and day."""

    dimensions: Names = Field(DIMENSIONS, description="what rollups are told apart by, beside tenant and time")
    cells: int = Field(2_000, description="most rollups of a minute, an hour or a day; others lose their dimensions")


class Store(_Settings):
    """Segments, the catalog and `ax.duckdb`."""

    flush_interval: Duration = Field(300 * 10**6, description="longest time that rows wait for a segment")
    flush_rows: int = Field(50_000, description="rows of a table that are written at once")
    compaction_interval: Duration = Field(5 * 10**9, description="how often small segments are looked for; 0s: never")
    grace: Duration = Field(3_600 * 10**9, description="how long a replaced segment stays for readers that hold it")
    lateness: Duration = Field(600 * 10**9, description="how long after its end an hour waits for late rows")
    scrub_interval: Duration = Field(86_400 * 10**9, description="how often a segment's checksum is verified")
    splice_rows: int = Field(16_384, description="row groups of so many rows stay as they are while their hour is open")
    memory_bytes: Size = Field(256 * 2**20, description="memory that compaction may use")
    rollup: Rollup = Rollup()
    retention: Retention = Retention()


class Serve(_Settings):
    """The UI port: API and, later, dashboard."""

    ui: str = Field("localhost:4319", description="HOST:PORT of the API and the dashboard")
    hosts: Names = Field((), description="names beside its own by which people reach the API; it then asks for tokens")


class Tls(_Settings):
    """The certificate of all endpoints; what is in the files is used anew when they change."""

    cert: File = Field(None, description="certificate in PEM, with those between it and the root")
    key: File = Field(None, description="its private key in PEM, which others may not read")


class Rate(_Settings):
    """How often the API may be asked, by token, else by the asker's address."""

    requests: int = Field(100, description="requests a second, sustained")
    burst: int = Field(200, description="requests that may come at once")


class Alert(_Settings):
    """Rules, their evaluation and what they tell; rules, budgets and channels are in `rules/*.yaml`."""

    defaults: bool = Field(default=True, description="whether the rules that come with us are evaluated")
    delay: Duration = Field(15 * 10**9, description="how long a rule waits for records of its window to arrive")
    interval: Duration = Field(60 * 10**9, description="how often a rule is evaluated that does not say")
    retention: Duration = Field(30 * 86_400 * 10**9, description="how long resolved alerts and their history are kept")
    timeout: Duration = Field(10 * 10**9, description="longest time that a rule's question may take")
    console: bool = Field(default=True, description="whether the server's log tells notices where no channel is set")
    allow_private: Names = Field((), description="hosts and networks of yours that webhooks may reach")


class Config(_Settings):
    """All settings of one server."""

    data: Path = Field(strict=False, description="the data directory")
    insecure: bool = Field(
        default=False, description="listen beyond loopback without TLS; tokens are needed all the same"
    )
    auth: Literal["auto", "required"] = Field(
        "auto", description="whether loopback, too, asks for tokens, as it should behind a reverse proxy"
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="least severe log line shown")
    limits: Limits = Limits()
    receive: Receive = Receive()
    journal: Journal = Journal()
    store: Store = Store()
    serve: Serve = Serve()
    tls: Tls = Tls()
    rate: Rate = Rate()
    alert: Alert = Alert()

    @property
    def leaves_loopback(self) -> bool:
        """Whether an endpoint may be one that other machines reach."""
        return self.insecure or self.tls.cert is not None
