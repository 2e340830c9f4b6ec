"""Settings, all from the environment; `.env.example` lists every name with its meaning.

Two editions of one code path: the embedded demo (`GATEWAY_ENV=demo`, the default: SQLite, a file queue, secrets
generated in `DATA_DIR`) and production (`GATEWAY_ENV=production`: PostgreSQL, Redis, secrets required).
"""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

from gateway import telemetry
from gateway.lib import environment, logs, preflight
from gateway.schedule import beat_schedule

BASE_DIR = Path(__file__).resolve().parent.parent
env = environment.Environment()
env.read_env(BASE_DIR / ".env")

GATEWAY_ENV = env.one_of("GATEWAY_ENV", "demo", "production")
DEMO = GATEWAY_ENV == "demo"
DEBUG = False
DATA_DIR = environment.data_dir(BASE_DIR)
PORT = env.whole("PORT", 8000, most=65_535)
PUBLIC_URL = env.str("PUBLIC_URL", f"http://127.0.0.1:{PORT}").rstrip("/")

# Secrets ------------------------------------------------------------------------------------------------
_generated = environment.demo_secrets(DATA_DIR) if DEMO else {}


SECRET_KEY = env.str("DJANGO_SECRET_KEY", "") or _generated.get("DJANGO_SECRET_KEY", "")
GATEWAY_PEPPER = env.str("GATEWAY_PEPPER", "") or _generated.get("GATEWAY_PEPPER", "")
_keys = env.str("GATEWAY_ENCRYPTION_KEYS", "") or _generated.get("GATEWAY_ENCRYPTION_KEYS", "")
GATEWAY_ENCRYPTION_KEYS = [key.strip() for key in _keys.split(",") if key.strip()]

# Applications -------------------------------------------------------------------------------------------
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django_htmx",
    "django_filters",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "gateway",
    "accounts",
    "ledger",
    "webhooks",
    "payments",
    "payouts",
    "crypto",
    "gateway.contracts",
    "gateway.panel",
]
MIDDLEWARE = [
    "gateway.lib.middleware.RequestContextMiddleware",
    "gateway.lib.middleware.SecurityHeadersMiddleware",
    "gateway.watching.views.MetricsMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "gateway.contracts.door.ContractsMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
]
ROOT_URLCONF = "gateway.urls"
WSGI_APPLICATION = "gateway.wsgi.application"
APPEND_SLASH = False
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "gateway.panel.context.panel",
            ],
        },
    }
]

# Database -----------------------------------------------------------------------------------------------
DATABASES = {"default": env.db("DATABASE_URL", f"sqlite:///{DATA_DIR / 'gateway.sqlite3'}")}
_database = DATABASES["default"]
# Apart from the address, so that one secret file serves the database's container and ours.
_database["PASSWORD"] = env.str("DATABASE_PASSWORD", "") or _database.get("PASSWORD", "")
ON_POSTGRES = "postgresql" in _database["ENGINE"]
# Behind PgBouncer's transaction pooling a session is nobody's own: docs/scaling.md.
DATABASE_POOLED = env.flag("DATABASE_POOLED", False)
if ON_POSTGRES:
    _database["CONN_MAX_AGE"] = env.whole("DATABASE_CONN_MAX_AGE", 60, least=0)
    _database["CONN_HEALTH_CHECKS"] = True
    _database["ENGINE"] = "gateway.lib.postgresql"
    # A machine that vanishes says nothing. Both sides give a connection up that is silent for half a minute: we would
    # wait for an answer, and the server would keep the locks of a transaction whose client is no more.
    _network = {
        "connect_timeout": 2, "tcp_user_timeout": 10_000,
        "keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 3,
    }
    # What the address itself says (?sslmode=verify-full, ?target_session_attrs=read-write) stands.
    _said = _database.get("OPTIONS", {})
    if DATABASE_POOLED:
        _database["OPTIONS"] = _network | {"prepare_threshold": None} | _said
        _database["DISABLE_SERVER_SIDE_CURSORS"] = True
    else:
        _start = (
            # jit=off: what sums up for each row seems dear to the planner; compiling takes it longer than answering.
            "-c statement_timeout=30000 -c timezone=UTC -c idle_in_transaction_session_timeout=60000 -c jit=off "
            "-c tcp_keepalives_idle=10 -c tcp_keepalives_interval=5 -c tcp_keepalives_count=3"
        )
        _database["OPTIONS"] = _network | {"options": _start, "prepare_threshold": 2} | _said
else:
    # Every atomic block takes the write lock at once: no read can later fail to become a write.
    _database["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA foreign_keys=ON;",
    }
    _database["TEST"] = {"NAME": str(DATA_DIR / "test.sqlite3")}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# Redis, cache, queue --------------------------------------------------------------------------------------
REDIS_URL = env.str("REDIS_URL", "")
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": REDIS_URL,
        "OPTIONS": {"socket_connect_timeout": 1, "socket_timeout": 1},
    }
    if REDIS_URL
    # One file shared by every process of the embedded edition: exact counts without a server.
    else {"BACKEND": "gateway.lib.cache.SqliteCache", "LOCATION": str(DATA_DIR / "cache.sqlite3")},
    # What counts while the shared cache cannot be reached; stricter, and of one process.
    "local": {
        "BACKEND": "django.core.cache.backends.locmem.LocMemCache",
        "LOCATION": "local",
        "OPTIONS": {"MAX_ENTRIES": 100_000},
    },
}
RATELIMIT_USE_CACHE = "default"
SILENCED_SYSTEM_CHECKS = [
    "django_ratelimit.E003",  # our own cache counts exactly, though the package does not know it
    "django_ratelimit.W001",
    "models.W040",  # covering indexes are PostgreSQL's; SQLite ignores the extra columns
]

_queue_dir = DATA_DIR / "queue"
CELERY_BROKER_URL = env.str("CELERY_BROKER_URL", REDIS_URL or "filesystem://")
if CELERY_BROKER_URL == "filesystem://":
    _queue_dir.mkdir(mode=0o700, exist_ok=True)
    (_queue_dir / "done").mkdir(mode=0o700, exist_ok=True)
    CELERY_BROKER_TRANSPORT_OPTIONS = {
        "data_folder_in": str(_queue_dir),
        "data_folder_out": str(_queue_dir),
        "processed_folder": str(_queue_dir / "done"),
        "control_folder": str(_queue_dir / "control"),
        "store_processed": False,
        "polling_interval": 0.1,
    }
elif CELERY_BROKER_URL.startswith(("amqp://", "amqps://")):
    CELERY_BROKER_TRANSPORT_OPTIONS = {"confirm_publish": True, "connect_timeout": 1}
else:
    # Longer than any task may take: Redis gives a message to somebody else after it.
    CELERY_BROKER_TRANSPORT_OPTIONS = {
        "visibility_timeout": 7200, "socket_connect_timeout": 1, "socket_timeout": 5,
    }
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None  # for ever; 0, which Celery's guide names too, gives up at once
# A worker that dies leaves its message to another. Twice is harmless: what is done is claimed in the database first.
CELERY_TASK_ACKS_LATE = True
# RabbitMQ takes a message for lost after half an hour; an export's row is found again by the next sweep anyway.
CELERY_TASK_ANNOTATIONS = {
    name: {"acks_late": False} for name in ("crypto.export", "crypto.reconcile", "ledger.verify")
}
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_DEFAULT_QUEUE = "gateway_jobs"
# The signer's queue has nothing to do with names: only the process that holds the keys listens to it.
CELERY_TASK_ROUTES = {
    "webhooks.prune": {"queue": "gateway_jobs"},
    "webhooks.*": {"queue": "webhooks"},
    "crypto.sign*": {"queue": "signer"},
    "crypto.export*": {"queue": "exports"},
    # Not the watcher's: what they wait for must not hold up the scan.
    "crypto.sweep": {"queue": "gateway_jobs"},
    "crypto.drive_withdrawals": {"queue": "gateway_jobs"},
    "crypto.tell_owners": {"queue": "gateway_jobs"},
    # What may take an hour, or the night, is another process's: it must not hold up payments and payouts.
    "crypto.reconcile": {"queue": "proofs"},
    "ledger.verify": {"queue": "proofs"},
    "crypto.*": {"queue": "chain"},
}
CELERY_TASK_SOFT_TIME_LIMIT = 240
CELERY_TASK_TIME_LIMIT = 300
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
# After a lost connection Celery would take fewer messages at first, and widen that as tasks end: from the watcher's
# threads, which then read RabbitMQ's answer out of the main loop's hands. Both wait for ever.
CELERY_WORKER_ENABLE_PREFETCH_COUNT_REDUCTION = False
# Celery would end the database connection before and after each task; gateway.celery ends one that is old or dead.
CELERY_DB_REUSE_MAX = 10**9
CELERY_BEAT_SCHEDULER = "gateway.beat:Scheduler"
CELERY_BEAT_SCHEDULE_FILENAME = str(DATA_DIR / "schedule")
# Seconds between two rounds of the quickest sweeps; wake-ups make the usual case faster than this.
SWEEP_SECONDS = env.number("SWEEP_SECONDS", 2.0, least=0.05)
CELERY_BEAT_SCHEDULE = beat_schedule(SWEEP_SECONDS)
CELERY_BEAT_MAX_LOOP_INTERVAL = 1

# People and sessions --------------------------------------------------------------------------------------
AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["accounts.backends.PanelBackend"]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
]
LOGIN_URL = "panel:sign-in"
LOGIN_REDIRECT_URL = "panel:overview"
SESSION_COOKIE_AGE = env.whole("SESSION_HOURS", 12) * 3600
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
PASSWORD_RESET_TIMEOUT = 3 * 24 * 3600
SIGN_IN_ATTEMPTS = env.whole("SIGN_IN_ATTEMPTS", 5)
SIGN_IN_LOCK_MINUTES = env.whole("SIGN_IN_LOCK_MINUTES", 15)
# Operators need an authenticator beside the password; who signed in long ago proves it again before money or keys.
REQUIRE_SECOND_FACTOR = env.flag("REQUIRE_SECOND_FACTOR", not DEMO)
STEP_UP_MINUTES = env.whole("STEP_UP_MINUTES", 15)
EMAIL_CONFIG = env.email_url("EMAIL_URL", "consolemail://")
vars().update(EMAIL_CONFIG)
EMAIL_TIMEOUT = 10  # a mail server that hangs must not hold a worker
DEFAULT_FROM_EMAIL = env.str("EMAIL_FROM", "Gateway <gateway@localhost>")

# Web security ---------------------------------------------------------------------------------------------
_public_host = urlsplit(PUBLIC_URL).hostname or ""
_hosts = [_public_host, "127.0.0.1", "localhost", "[::1]"]
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=[*_hosts, "testserver"] if DEMO else _hosts)
_https = PUBLIC_URL.startswith("https://")
SECURE_SSL_REDIRECT = _https and env.flag("SECURE_SSL_REDIRECT", True)
# What asks for these stands beside the gateway, inside, and speaks no TLS.
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^metrics$"]
SECURE_HSTS_SECONDS = 31_536_000 if _https else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = _https
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = _https
CSRF_COOKIE_HTTPONLY = False
CSRF_TRUSTED_ORIGINS = [PUBLIC_URL]
CSRF_FAILURE_VIEW = "gateway.panel.errors.csrf_failure"
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
BEHIND_TLS_PROXY = env.flag("BEHIND_TLS_PROXY", False)
if BEHIND_TLS_PROXY:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
# How many proxies of our own stand in front; X-Forwarded-For counts only behind them.
PROXY_COUNT = env.whole("PROXY_COUNT", 0, least=0, most=10)
DATA_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024
# Tables that people upload (bank statements, result files).
TABLE_MAX_BYTES = env.whole("TABLE_MAX_BYTES", 10 * 2**20)
TABLE_MAX_ROWS = env.whole("TABLE_MAX_ROWS", 100_000)

# Files, language, time ------------------------------------------------------------------------------------
STATIC_URL = "/static/"
STATIC_ROOT = env.str("STATIC_ROOT", str(DATA_DIR / "static"))
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "gateway.lib.static.StaticStorage"},
}
WHITENOISE_USE_FINDERS = False
LANGUAGE_CODE = "en-in"
USE_I18N = False
TIME_ZONE = "UTC"
USE_TZ = True

# API --------------------------------------------------------------------------------------------------------
REST_FRAMEWORK = {
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": [],
    "DEFAULT_AUTHENTICATION_CLASSES": [],
    "DEFAULT_PERMISSION_CLASSES": [],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "UNAUTHENTICATED_USER": None,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Gateway API",
    "VERSION": "1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "SCHEMA_PATH_PREFIX_INSERT": "/api/v1",
    "COMPONENT_SPLIT_REQUEST": True,
}
PORTAL_RATE_LIMITS = {  # requests an hour, per user and mode
    "api_user": env.whole("PORTAL_RATE_API_USER", 100),
    "merchant": env.whole("PORTAL_RATE_MERCHANT", 500),
    "admin": env.whole("PORTAL_RATE_ADMIN", 2000),
    "super_admin": env.whole("PORTAL_RATE_SUPER_ADMIN", 2000),
}
CHECKOUT_RATE_LIMIT = env.whole("CHECKOUT_RATE_LIMIT", 600)  # requests a minute, per key pair
SIGNED_RATE_LIMIT = env.whole("SIGNED_RATE_LIMIT", 600)  # requests a minute, per access key
PUBLIC_CHECKOUT_RATE_LIMIT = env.whole("PUBLIC_CHECKOUT_RATE_LIMIT", 30)  # requests a minute, per address
DASHBOARD_RATE_LIMITS = {  # requests and seconds, per key
    "standard": (env.whole("DASHBOARD_RATE_STANDARD", 100), 60),
    "analytics": (env.whole("DASHBOARD_RATE_ANALYTICS", 20), 60),
    "exports": (env.whole("DASHBOARD_RATE_EXPORTS", 5), 3600),
}
FAILED_AUTH_RATE_LIMIT = env.whole("FAILED_AUTH_RATE_LIMIT", 60)  # wrong credentials a minute, per address and contract

# The business -----------------------------------------------------------------------------------------------
LIVE_PAYMENT_PROVIDER = env.str("LIVE_PAYMENT_PROVIDER", "")
LIVE_PAYOUT_PROVIDER = env.str("LIVE_PAYOUT_PROVIDER", "")
PAYMENT_ADAPTERS = env.list("PAYMENT_ADAPTERS", default=[])  # dotted paths of adapters of one's own: docs/adapters.md
PAYOUT_ADAPTERS = env.list("PAYOUT_ADAPTERS", default=[])
# Paise; a first payout to a new beneficiary above it needs two approvals. Empty: never.
NEW_BENEFICIARY_SECOND_APPROVAL_ABOVE = env.parsed(
    "NEW_BENEFICIARY_SECOND_APPROVAL_ABOVE", "100000.00", environment.rupees
)
# Paise; an operator's word for a live manual_upi payment above it needs a second operator's. Empty: never.
MATCH_SECOND_APPROVAL_ABOVE = env.parsed("MATCH_SECOND_APPROVAL_ABOVE", "50000.00", environment.rupees)
# After so long without a match, a payment that its payer confirmed stands in the queue as overdue.
MANUAL_UPI_REVIEW_HOURS = env.number("MANUAL_UPI_REVIEW_HOURS", 24.0)
PAYOUT_BATCH_MAX_LINES = env.whole("PAYOUT_BATCH_MAX_LINES", 1000)
# The merchant (`mrc_…`) of public orders that name none; the demo's is its demo merchant.
PUBLIC_CHECKOUT_MERCHANT = env.str("PUBLIC_CHECKOUT_MERCHANT", "")
PUBLIC_CHECKOUT_MODE = env.one_of("PUBLIC_CHECKOUT_MODE", "test", "live")
PAYMENT_LINK_MINUTES = env.whole("PAYMENT_LINK_MINUTES", 30)
# So long a payer is waited for at the bank (3-D Secure).
BANK_STEP_MINUTES = env.whole("BANK_STEP_MINUTES", 15, most=1440)
PAYEE_VPA = env.str("PAYEE_VPA", "gateway@sandbox")
SANDBOX_BANK_DELAY_SECONDS = env.number("SANDBOX_BANK_DELAY_SECONDS", 1.0)
SANDBOX_BANK_SILENCE_SECONDS = env.number("SANDBOX_BANK_SILENCE_SECONDS", 30.0)
SANDBOX_PAYMENT_DELAY_SECONDS = env.number("SANDBOX_PAYMENT_DELAY_SECONDS", 1.0)
PROVIDER_TIMEOUT_SECONDS = env.number("PROVIDER_TIMEOUT_SECONDS", 15.0, least=0.05)
WORK_LEASE_SECONDS = env.whole("WORK_LEASE_SECONDS", 30)

# Crypto -----------------------------------------------------------------------------------------------------
# What this process is for. Only the signer may read keys; see crypto/keys.
PROCESS = env.str("GATEWAY_PROCESS", "")
environment.forget_keys(PROCESS)
# Live networks that are on, and each one's RPC addresses in the order they are tried. They may hold keys of a provider.
CRYPTO_RPC = environment.rpc_addresses(env.list("CRYPTO_NETWORKS", default=[]))
SIMULATED_BLOCK_SECONDS = env.number("SIMULATED_BLOCK_SECONDS", 0.5)
# How often a chain is looked at: while somebody waits for it, and otherwise.
WATCH_SECONDS = env.number("WATCH_SECONDS", 1.0, least=0.05)
WATCH_IDLE_SECONDS = env.number("WATCH_IDLE_SECONDS", 5.0, least=0.05)
SESSION_COOL_DOWN_MINUTES = env.whole("SESSION_COOL_DOWN_MINUTES", 60)  # before a released address is used again
ADDRESS_POOL_SIZE = env.whole("ADDRESS_POOL_SIZE", 20)  # free addresses kept ready, per network and mode
# Tokens; above it a withdrawal needs an operator. The daily limit is a merchant's, in tokens a day; empty: none.
WITHDRAWAL_APPROVE_ABOVE = env.parsed("WITHDRAWAL_APPROVE_ABOVE", "1000.00", environment.tokens)
WITHDRAWAL_DAILY_LIMIT = env.parsed("WITHDRAWAL_DAILY_LIMIT", "", environment.tokens)
# How long a new withdrawal address or settlement account must wait before money may go there.
WITHDRAWAL_DELAY_HOURS = {
    "live": env.number("WITHDRAWAL_ADDRESS_DELAY_HOURS", 24.0), "test": env.number("WITHDRAWAL_TEST_DELAY_HOURS", 0.0),
}
# Rupees for one token, for withdrawals to a bank account; a currency without a rate cannot be withdrawn so.
CRYPTO_INR_RATES = env.parsed("CRYPTO_INR_RATES", "USDT:88.00,USDC:88.00" if DEMO else "", environment.rates)
# Files that merchants asked for; web and worker processes must share it.
EXPORT_DIR = str(env.folder("EXPORT_DIR", DATA_DIR / "exports"))
# US dollars for one token, for the figures that the dashboard contract shows in dollars.
CRYPTO_USD_RATES = env.parsed("CRYPTO_USD_RATES", "USDT:1.00,USDC:1.00", environment.rates)
# A transaction that waits longer is replaced by one that offers more.
OUTGOING_REPLACE_SECONDS = env.number("OUTGOING_REPLACE_SECONDS", 300.0, least=0.05)
SWEEP_RETRY_SECONDS = env.number("SWEEP_RETRY_SECONDS", 600.0)  # after a sweep has failed

# Webhooks out -----------------------------------------------------------------------------------------------
# Addresses outside the public internet that deliveries may reach (the demo's receivers are on loopback).
WEBHOOK_ALLOW_LOOPBACK = env.flag("WEBHOOK_ALLOW_LOOPBACK", DEMO)
WEBHOOK_TIMEOUT_SECONDS = env.number("WEBHOOK_TIMEOUT_SECONDS", 15.0, least=0.05)
WEBHOOK_TEST_TIMEOUT_SECONDS = env.number("WEBHOOK_TEST_TIMEOUT_SECONDS", 5.0, least=0.05)
WEBHOOK_SECRET_OVERLAP_HOURS = env.whole("WEBHOOK_SECRET_OVERLAP_HOURS", 24)
WEBHOOK_DISABLE_AFTER_HOURS = env.whole("WEBHOOK_DISABLE_AFTER_HOURS", 120)

# How long things are kept --------------------------------------------------------------------------------------
KEEP_ATTEMPTS_DAYS = env.whole("KEEP_ATTEMPTS_DAYS", 30)  # what was sent to an endpoint, and what it answered
KEEP_EVENTS_DAYS = env.whole("KEEP_EVENTS_DAYS", 180)  # events and their deliveries

# Watching ---------------------------------------------------------------------------------------------------
METRICS_TOKEN = env.str("METRICS_TOKEN", "")
METRICS_DIR = env.folder("METRICS_DIR", DATA_DIR / "metrics")

# Traces and errors go out only where these name a receiver.
SENTRY_DSN = env.str("SENTRY_DSN", "")
OTEL_EXPORTER_OTLP_ENDPOINT = env.str("OTEL_EXPORTER_OTLP_ENDPOINT", "")
OTEL_SAMPLE_RATIO = env.number("OTEL_SAMPLE_RATIO", 0.1)

# Logs -------------------------------------------------------------------------------------------------------
LOG_LEVEL = env.one_of("LOG_LEVEL", "INFO", "DEBUG", "WARNING", "ERROR")
LOGGING = logs.logging_config(level=LOG_LEVEL, as_json=env.flag("LOG_JSON", not DEMO))
logs.configure()

env.problems += telemetry.problems(SENTRY_DSN, OTEL_EXPORTER_OTLP_ENDPOINT)
preflight.refuse(env.problems + ([] if DEMO else preflight.production_problems(globals())))
