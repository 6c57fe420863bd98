"""The one who carries: HTTP, store, clock and loops, around rooms that only decide. Where to look for what:

The line, through which every change goes (read these first)
    intents, pipeline, ahead, turn, deciders, group, desk

What the desk holds and how it comes back from the store
    load, fetch, due_lists, recall, caches

The timetable of an incident
    ladder, terms, contracts

The process: what starts and stops, what runs beside the line, the one clock
    daemon, loops, clock, aside, whereabouts

What it stands on, each with a map of its own
    configuration, storage

Evidence, tokens, and erasing a person (`erasure` is the rule of each column, `erasing` the walk over the rows)
    evidence, tokens, erasure, erasing

The doors: routes and the console; the command line
    http, cli, __main__, welcome, doctor, logs, metrics, version

What people read
    phrases, trouble_words, sentences, threads, foremost

Trying things out, and coming from elsewhere
    rehearsal, switching
"""
