"""The commands of the command line, a file each; `agent/__main__.py` attaches them.

The daemon, and what is looked at before it starts or at night
    serve, welcome, check, check_alert, config, doctor, trying, notify, imports

The store, with or without a daemon on it
    store, backups, audit, tokens, people

Over the API
    incidents, acts, alerts, watch, oncall, silences, notices, known_errors, automation

What the commands share: options, the call, how it is printed, how it ends
    options, client, printing, showing, figures, ending, telling
"""

import click

from agent.cli.alerts import alert
from agent.cli.audit import audit
from agent.cli.automation import automation
from agent.cli.backups import backup, restore
from agent.cli.check import check
from agent.cli.config import config
from agent.cli.doctor import doctor
from agent.cli.imports import import_
from agent.cli.incidents import incident
from agent.cli.known_errors import known_error
from agent.cli.notices import notice
from agent.cli.notify import notify
from agent.cli.oncall import oncall
from agent.cli.people import person
from agent.cli.serve import serve
from agent.cli.silences import silence
from agent.cli.store import db
from agent.cli.tokens import token
from agent.cli.trying import demo, rehearse, replay
from agent.cli.watch import watch

commands: list[click.Command] = [
    serve,
    check,
    config,
    db,
    rehearse,
    replay,
    doctor,
    demo,
    incident,
    alert,
    watch,
    oncall,
    notice,
    silence,
    token,
    notify,
    audit,
    person,
    known_error,
    automation,
    import_,
    backup,
    restore,
]
