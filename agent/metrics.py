"""What `/metrics` shows: rates, queue, lateness, deliveries; never a label value that came with an alert."""

from datetime import datetime

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from agent.caches import caches
from agent.desk import Desk
from agent.group import Group
from correlation.lessons import APART, ROOT, TOGETHER
from knowledge.feedback import Outcome
from knowledge.review import overdue

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, 60, 300)


class Metrics:
    """One registry a daemon; names are documented in docs/metrics.md."""

    def __init__(self, version: str = "") -> None:
        self.registry = CollectorRegistry()
        r = self.registry
        Gauge("tocsin_build_info", "The version that runs.", ["version"], registry=r).labels(version).set(1)
        self.alerts = Counter("tocsin_alerts", "Alerts decided, by decision.", ["decision"], registry=r)
        self.webhooks = Counter(
            "tocsin_webhooks", "Messages received, by type and answer.", ["type", "code"], registry=r
        )
        self.refused = Counter("tocsin_intake_refused", "Messages answered 503, by reason.", ["reason"], registry=r)
        self.dead_letters = Counter("tocsin_dead_letters", "Messages that could not be taken.", registry=r)
        self.queue = Gauge("tocsin_queue_length", "Intents waiting for the writer.", registry=r)
        self.commit_seconds = Histogram("tocsin_commit_seconds", "Time of one commit.", buckets=_SECONDS, registry=r)
        self.store_failures = Counter("tocsin_store_failures", "Commits that failed.", registry=r)
        self.undecided = Counter(
            "tocsin_undecided", "Intents that a fault of ours kept from being decided.", registry=r
        )
        self.lateness = Histogram(
            "tocsin_step_lateness_seconds", "How late escalation steps were taken.", buckets=_SECONDS, registry=r
        )
        self.pages = Counter(
            "tocsin_page_attempts", "Attempts at pages, by notifier and result.", ["notifier", "result"], registry=r
        )
        self.runs = Counter("tocsin_automation_runs", "Actions of known errors, by result.", ["result"], registry=r)
        self.open_alerts = Gauge("tocsin_open_alerts", "Alerts that fire.", registry=r)
        self.incidents = Gauge("tocsin_active_incidents", "Incidents before resolved.", registry=r)
        self.tombstones = Gauge("tocsin_tombstones", "Ends of firings that are remembered.", registry=r)
        self.storms = Gauge("tocsin_storms", "Places in which alerts come as a storm.", registry=r)
        self.lessons = Gauge("tocsin_lessons", "What was taught of kinds of alert.", ["what"], registry=r)
        self.steps = Gauge("tocsin_pending_steps", "Escalation steps still to be taken.", registry=r)
        self.open_pages = Gauge("tocsin_open_pages", "Pages not yet delivered.", registry=r)
        self.said = Gauge(
            "tocsin_known_error_feedback", "What engineers said of known errors.", ["outcome"], registry=r
        )
        self.overdue = Gauge("tocsin_known_errors_overdue", "Known errors whose day of review has passed.", registry=r)
        self.known_errors = Gauge("tocsin_known_errors", "Known errors of the library.", registry=r)
        self.known_errors_ready = Gauge(
            "tocsin_known_errors_ready", "1 if all known errors are read and their words counted.", registry=r
        )
        self.reload_ok = Gauge("tocsin_config_last_reload_successful", "1 if the last reload was taken.", registry=r)
        self.reload_at = Gauge(
            "tocsin_config_last_reload_success_timestamp_seconds", "When a configuration was last taken.", registry=r
        )
        self.inspections = Counter(
            "tocsin_inspections", "Inspections run, by type and result.", ["type", "result"], registry=r
        )
        self.rota_gaps = Gauge(
            "tocsin_rota_gap_seconds", "How long a rota has too few people in two weeks.", ["schedule"], registry=r
        )
        self.gone = Counter("tocsin_rows_let_go", "Rows past their retention that went.", ["table"], registry=r)
        self.clock_shift = Gauge("tocsin_clock_drift_seconds", "How far the wall is ahead of the clock.", registry=r)

        self.cache_entries = Gauge("tocsin_cache_entries", "Entries of a memory.", ["cache"], registry=r)
        self.cache_limit = Gauge("tocsin_cache_limit", "Entries that it may have.", ["cache"], registry=r)

    def reloaded(self, ok: bool, now: datetime) -> None:
        """Note a reload; a refused one keeps the time of the last good one."""
        self.reload_ok.set(1 if ok else 0)
        if ok:
            self.reload_at.set(now.timestamp())

    def after_group(self, desk: Desk, group: Group) -> None:
        """Count what a committed group did."""
        for decision, count in desk.counts.items():
            if decision.startswith("page/"):
                _, notifier, result = decision.split("/")
                self.pages.labels(notifier, result).inc(count)
            elif decision.startswith("gone/"):
                self.gone.labels(decision.removeprefix("gone/")).inc(count)
            elif decision.startswith("run/"):
                self.runs.labels(decision.partition("/")[2]).inc(count)
            elif decision == "dead_letter":
                self.dead_letters.inc(count)
            else:
                self.alerts.labels(decision).inc(count)
        desk.counts.clear()
        for late in group.lateness:
            self.lateness.observe(late)

    def look_at(self, desk: Desk, now: datetime) -> None:
        """Set the gauges, at a scrape."""
        board = desk.board
        self.open_alerts.set(len(board.episodes) - len(board.tombstones))
        self.tombstones.set(len(board.tombstones))
        self.incidents.set(sum(1 for i in board.incidents.values() if i.active))
        self.storms.set(len(board.storms))
        for name, cache in caches(desk).items():
            self.cache_entries.labels(name).set(cache.entries)
            self.cache_limit.labels(name).set(cache.most)
        held = board.lessons.counts()
        for what in (ROOT, APART, TOGETHER):
            self.lessons.labels(what).set(held[what])
        self.steps.set(sum(len(steps) for steps in desk.agenda.pending.values()))
        self.open_pages.set(len(desk.outbox.pages))
        self.known_errors.set(len(desk.config.known_errors))
        total = desk.feedback.total()
        for outcome in Outcome:
            self.said.labels(outcome.value).set(getattr(total, outcome.value))
        self.overdue.set(len(overdue(desk.config.known_errors.to_review, now)))
