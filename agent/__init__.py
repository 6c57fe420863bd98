"""The one who carries: HTTP, store, clock and loops, around rooms that only decide. Where to look for what:

The line, through which every change goes (read these first)
    intents, pipeline, ahead, turn, deciders, group, desk

What the desk holds and how it comes back from the store
    load, fetch, due_lists, recall, caches

The timetable of an incident
    ladder, terms, contracts

The process and its loops
    daemon, ticker, cycle, courier, queues, channels, paging, ranker, encoder, runner, inspect, reconcile, letting_go,
    retention, journal_size, rota_watch, wall, clock, aside, whereabouts

The store
    writer, sqlite, postgres, database, wide_rows, filesystem, store, tables, migrate, migrations, backup

Evidence, tokens, and erasing a person (`erasure` is the rule of each column, `erasing` the walk over the rows)
    evidence, tokens, erasure, erasing

The configuration, from text to `Config`
    yaml, layers, secrets, site, build, config, crosscheck, coverage, topology_faults, window_faults, known_errors,
    faults, plugins, show, export, versions

The doors: routes and the console; the command line
    http, cli, __main__, welcome, doctor, logs, metrics, version

What people read
    phrases, sentences, threads

Trying things out, and coming from elsewhere
    house, scenario, rehearse, replay, trial, demo, from_alertmanager, alertmanager_times
"""
