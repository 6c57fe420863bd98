"""The one who carries: HTTP, store, clock and loops, around rooms that only decide. Where to look for what:

The line, through which every change goes (read these first)
    intents, pipeline, line, store_health, turn, deciders, group, desk

How the desk comes back from the store, and how much it remembers
    loading, caches

The timetable of an incident
    ladder, terms, contracts

The process: what starts and stops, what runs beside the line, the one clock
    process, daemon, in_force, loops, clock, aside, whereabouts

What it stands on, each with a map of its own
    configuration, storage

Evidence, tokens, erasing a person, and how mails find their incident
    evidence, tokens, erasing, threads

The doors: routes and the console; the command line
    http, cli, __main__, doctor, logs, metrics, version

What people read
    wording

Trying things out, and coming from elsewhere
    rehearsal, switching
"""
