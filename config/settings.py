"""The only settings file. Every environment variable it reads is documented in `.env.example`."""

import zlib
from pathlib import Path

import structlog
from django.utils.csp import CSP

from config import env, logs

BASE_DIR = Path(__file__).resolve().parent.parent

# production: refuses to start without its secrets and requires HTTPS. local: used by `make up` and the tests.
PROFILE = env.read_choice("REVIEWQUEUE_PROFILE", "production", among=("production", "local"))
LOCAL = PROFILE == "local"

SECRET_KEY = env.read_text("SECRET_KEY") if LOCAL else env.read_secret("SECRET_KEY")
SECRET_KEY_FALLBACKS = env.read_list("SECRET_KEY_FALLBACKS") if LOCAL else env.read_secrets("SECRET_KEY_FALLBACKS")
DEBUG = False
ALLOWED_HOSTS = env.read_list("ALLOWED_HOSTS", "127.0.0.1,localhost,[::1],testserver" if LOCAL else None)
CSRF_TRUSTED_ORIGINS = env.read_list("CSRF_TRUSTED_ORIGINS")

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.humanize",
    "django.contrib.messages",
    "django.contrib.postgres",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "axes",
    "django_htmx",
    "django_structlog",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "rest_framework",
    "config",
    "escalation",
    "reviewqueue",
]

MIDDLEWARE = [
    "config.head_middleware.HeadMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "reviewqueue.http.NoStoreMiddleware",
    "django.middleware.csp.ContentSecurityPolicyMiddleware",
    "config.probe_middleware.ProbeMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "config.request_log.RequestLogMiddleware",
    "config.page_middleware.SessionMiddleware",
    "config.page_middleware.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "config.page_middleware.AuthenticationMiddleware",
    "config.page_middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "config.page_middleware.HtmxMiddleware",
    "axes.middleware.AxesMiddleware",
    "reviewqueue.http.RefusalMiddleware",
]

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "config.navigation.build_navigation_context",
            ],
        },
    },
]

# PostgreSQL only: claims, locks, COPY and partial indexes depend on it.
DATABASES = {
    "default": {
        "ENGINE": "config.postgresql",
        **env.read_database("DATABASE_URL"),
        "CONN_MAX_AGE": 600,
        "CONN_HEALTH_CHECKS": True,  # see config.postgresql
        "OPTIONS": {
            # A forgotten transaction slows down the whole queue: old snapshots keep dead rows alive.
            "options": "-c idle_in_transaction_session_timeout=60000"
            # A command that waits for a table lock makes everybody queue up behind it. It can be run again.
            " -c lock_timeout=10000"
            # The few prepared statements are those a reviewer waits for on every item: plan them only once.
            " -c plan_cache_mode=force_generic_plan",
            "application_name": "reviewqueue",
            # A server that vanished without a word must be noticed before the time limits of requests and tasks.
            "connect_timeout": 5,
            "keepalives_idle": 30,
            "keepalives_interval": 5,
            "keepalives_count": 3,
            "tcp_user_timeout": 20_000,
        },
    }
}
# In milliseconds, for the processes that serve; commands have no statement_timeout, as a migration may take hours.
# Exceeding one is a 503 with Retry-After, or a sweep that is tried again: nothing is stored, so nothing is half done.
DATABASE_LIMITS = {
    # Eight request threads are all that a machine has: a locked table must not hold them for longer than somebody
    # waits for a page. The slowest page, a report on a year of ten million outputs, takes about six seconds.
    "web": {"lock_timeout": 3_000, "statement_timeout": 20_000},
    # Sweeps of the same queue wait for each other. The database gives up before CELERY_TASK_SOFT_TIME_LIMIT does, as
    # it says which statement it was.
    "worker": {"lock_timeout": 5_000, "statement_timeout": 50_000},
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

REDIS_URL = env.read_text("REDIS_URL")

# Rows are the source of truth and messages only hints: they may be lost, repeated or late, but must never block.
CELERY_BROKER_URL = env.read_broker_url("REDIS_URL")
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_RETRY_ON_WORKER_LOST = True
CELERY_TASK_ACKS_ON_FAILURE = True
CELERY_TASK_ACKS_ON_TIMEOUT = True
CELERY_TASK_SOFT_TIME_LIMIT = 60
CELERY_TASK_TIME_LIMIT = 90
CELERY_TASK_PUBLISH_RETRY = False
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT = 20
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = True
# In KiB. Not after a number of tasks: at a steady load, that would replace the process every few minutes.
CELERY_WORKER_MAX_MEMORY_PER_CHILD = 400_000
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None  # for ever: a worker that gave up would stay away when the broker is back
CELERY_WORKER_CONSUMER = "config.consumer:SteadyConsumer"
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 300,
    "socket_timeout": 5,
    "socket_connect_timeout": 2,
    "socket_keepalive": True,
    "health_check_interval": 15,
    "unacked_restore_interval": 5,
    "unacked_restore_throttle": 1,
}
CELERY_DB_REUSE_MAX = 1000
CELERY_TIMEZONE = "UTC"

AUTH_USER_MODEL = "reviewqueue.User"
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "reviewqueue.accounts.password_gate.AddressGate",
    "django.contrib.auth.backends.ModelBackend",
]
PASSWORD_HASHERS = ["reviewqueue.accounts.password_gate.BoundedPasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "reviewqueue.accounts.passwords.VarietyValidator"},
]
CSRF_FAILURE_VIEW = "reviewqueue.http.csrf_failure"
LOGIN_URL = "sign-in"
LOGIN_REDIRECT_URL = "inbox"
REPORTS_HOME_URL = "overview"  # where the inbox sends people who do not review; "": nowhere
LOGOUT_REDIRECT_URL = "sign-in"
SESSION_COOKIE_AGE = 14 * 24 * 3600
# Lock the pair of username and address, so that somebody guessing passwords cannot lock the real person out elsewhere.
AXES_FAILURE_LIMIT = 8
AXES_COOLOFF_TIME = 0.25
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_VERBOSE = False
AXES_ENABLE_ADMIN = False
AXES_LOCKOUT_CALLABLE = "reviewqueue.views.account.show_lockout"
AXES_CLIENT_IP_CALLABLE = "reviewqueue.http.get_client_address"
# The number of your own reverse proxies. Behind one, every request comes from the proxy's address. Production has to
# set it: with a number too low one attacker locks everybody out, and with one too high an address can be forged.
PROXIES = env.read_int("PROXIES", 0 if LOCAL else None)

# `__Host-` keeps other hosts of the domain from setting the cookies. Browsers share cookies among the ports of a host,
# so locally the names differ by folder: two products on one machine do not sign each other's people out.
_COOKIE_NAME = f"{{}}_{zlib.crc32(bytes(BASE_DIR)):08x}" if LOCAL else "__Host-{}"
SESSION_COOKIE_NAME = _COOKIE_NAME.format("sessionid")
CSRF_COOKIE_NAME = _COOKIE_NAME.format("csrftoken")
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT = not LOCAL
SECURE_HSTS_SECONDS = 0 if LOCAL else 31_536_000
SECURE_PROXY_SSL_HEADER = None if LOCAL else ("HTTP_X_FORWARDED_PROTO", "https")
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$", r"^metrics$"]
# Answers that may be cached: they say nothing about anybody. All others are marked `no-store`.
CACHEABLE_ROUTES = frozenset({"schema", "api-docs", "promise-moved", "evidence-moved"})
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
SECURE_CSP = {
    "default-src": [CSP.NONE],
    "script-src": [CSP.SELF],
    "style-src": [CSP.SELF],
    "font-src": [CSP.SELF],
    "img-src": [CSP.SELF, "data:"],
    "connect-src": [CSP.SELF],
    "form-action": [CSP.SELF],
    "base-uri": [CSP.NONE],
    "frame-ancestors": [CSP.NONE],
}

LANGUAGE_CODE = "en"
# The languages the texts are available in. Numbers always follow the reader's locale: see kernel/locale_format.py.
LANGUAGES = [("en", "English")]
TIME_ZONE = env.read_text("TIME_ZONE", "UTC")
USE_TZ = True

STATIC_URL = "/static/"
# Collected once per version; locally, files are served from their source folders.
STATIC_ROOT = None if LOCAL else BASE_DIR / "static-root"
WHITENOISE_USE_FINDERS = LOCAL
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if LOCAL
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}

# Larger API bodies (in bytes) are answered with 413. The API reads bodies itself; forms keep Django's own limit.
API_BODY_LIMIT = 8 * 1024 * 1024
# Per API key and web process, with bursts of twice as many; a large body counts as several. 0: no limit.
API_KEY_REQUESTS_PER_SECOND = env.read_int("API_KEY_REQUESTS_PER_SECOND", 300)
# All scopes that endpoints require. Keys treat scopes as opaque strings, so this list catches typos.
API_SCOPES = ["outputs:write", "decisions:read", "labels:read", "reports:read", "review"]
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["reviewqueue.http.ApiKeyAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_PARSER_CLASSES": ["reviewqueue.http.StrictJSONParser"],
    "DEFAULT_RENDERER_CLASSES": ["reviewqueue.http.MsgspecRenderer"],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "reviewqueue.http.JSONOnlyNegotiation",
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "reviewqueue.http.handle_api_exception",
    "UNAUTHENTICATED_USER": None,
}
# Only its views, its command and the page's assets: `config.openapi` builds the document.
SPECTACULAR_SETTINGS = {
    "TITLE": "reviewqueue",
    "DEFAULT_GENERATOR_CLASS": "config.openapi.DocumentGenerator",
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
}

# /metrics requires it as a bearer token. Without one there are no metrics in production.
METRICS_TOKEN = env.read_text("METRICS_TOKEN", "")

DJANGO_STRUCTLOG_IP_LOGGING_ENABLED = False  # events record who acted; looking up addresses costs time on every request
LOG_LEVEL = env.read_text("LOG_LEVEL", "INFO")
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "json": {
            "()": structlog.stdlib.ProcessorFormatter,
            "processor": structlog.processors.JSONRenderer(),
        },
        "plain": {
            "()": structlog.stdlib.ProcessorFormatter,
            # Tracebacks without source context: rendering it takes longer than most tasks that can fail.
            "processor": structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback),
        },
    },
    "filters": {
        "client errors": {"()": "django.utils.log.CallbackFilter", "callback": logs.drop_client_traceback},
    },
    "handlers": {
        "console": {
            "class": "logging.StreamHandler",
            "formatter": "plain" if LOCAL else "json",
            "filters": ["client errors"],
        }
    },
    "root": {"handlers": ["console"], "level": LOG_LEVEL},
    "loggers": {"django_structlog": {"level": "WARNING" if LOCAL else "INFO"}},
}
structlog.configure(
    processors=[
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.filter_by_level,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso"),
        structlog.processors.format_exc_info,
        structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
    ],
    logger_factory=structlog.stdlib.LoggerFactory(),
    cache_logger_on_first_use=True,
)
