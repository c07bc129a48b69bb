"""What a reader of the graph's progress needs: which job runs, why, and how far it is.

Snakemake hands each event to this handler as data; no line that it prints is ever read.
"""

import sys
from typing import Any, ClassVar

from snakemake_interface_logger_plugins.base import LogHandlerBase
from snakemake_interface_logger_plugins.common import LogEvent
from snakemake_interface_logger_plugins.registry import LoggerPluginRegistry
from snakemake_interface_logger_plugins.settings import LogHandlerSettingsBase

PLUGIN = "slugkit"


class LogHandlerSettings(LogHandlerSettingsBase):
    """There are none."""


class LogHandler(LogHandlerBase):
    """Shows the events that tell a reader something, and keeps what a caller asks for."""

    # Snakemake makes the handler; what it has seen is found here.
    planned: ClassVar[dict[str, int]] = {}
    jobs: ClassVar[list[dict[str, Any]]] = []
    silent: ClassVar[bool] = False
    # What a cluster does with its jobs, such as to start one again, comes as plain messages.
    on_cluster: ClassVar[bool] = False

    writes_to_stream = True
    writes_to_file = False
    has_filter = True
    has_formatter = True
    needs_rulegraph = False

    def __post_init__(self) -> None:
        """Nothing is left to be set up."""

    def emit(self, record: Any) -> None:
        event, line, bad = getattr(record, "event", None), "", False
        if event == LogEvent.RUN_INFO:
            type(self).planned = {
                name: count for name, count in record.stats.items() if name != "total"
            }
        elif event == LogEvent.JOB_INFO:
            job = {
                "rule": record.rule_name,
                "wildcards": dict(record.wildcards or {}),
                "reason": str(record.reason),
                "priority": record.priority,
            }
            self.jobs.append(job)
            line = describe(job)
        elif event == LogEvent.PROGRESS:
            line = f"{record.done} of {record.total} jobs done"
        elif event in (LogEvent.JOB_ERROR, LogEvent.ERROR) or (
            event is None and record.levelname in ("WARNING", "ERROR", "CRITICAL")
        ):
            line, bad = record.getMessage(), True
        elif event is None and self.on_cluster and record.levelname == "INFO":
            line = record.getMessage()
        if line and (bad or not self.silent):
            print(line, file=sys.stdout, flush=True)


def describe(job: dict[str, Any]) -> str:
    """Return a line that says which job runs, and why.

    >>> describe({"rule": "train", "wildcards": {"seed": "0"}, "reason": "Code has changed"})
    'train (seed 0): Code has changed'
    """
    which = ", ".join(f"{name} {value}" for name, value in job["wildcards"].items())
    return f"{job['rule']}{f' ({which})' if which else ''}: {job['reason']}"


def register() -> None:
    """Let Snakemake find this handler under the name `PLUGIN`, and forget what it has seen."""
    registry = LoggerPluginRegistry()
    if PLUGIN not in registry.get_registered_plugins():
        registry.register_plugin(PLUGIN, sys.modules[__name__])
    LogHandler.planned, LogHandler.jobs = {}, []
