"""Alerts become incidents. Where to look for what:

One round of decisions over alerts: begin with correlate
    correlate, outcome, episode, joining, opening, ending, settle

What holds an alert back, is not believed yet, or rests
    holding, silence, window, inhibit, suspect, heartbeat, rest

Which open incident an alert belongs to: evidence of several kinds, put together
    choosing, strategy, strategies, slots, rules

What it can have come of: items, kinds of trouble, the tree of causes, the likely root
    naming, topology, rings, steps, signals, scene, causes, weighing, place, unwritten, root

Many at once, and what is put right when more is known
    wave, storm, storm_state, storming, merging, growth

What people taught by confirming and splitting
    lessons, together, splitting, apart

What it is: category, group, severity, the fields of the record
    classify, severity, form

The incident, and what people do to it
    incident, moves, permission, act, acts, need, refusal, repeats, major, vendor, callback, attachment

What is open right now; the rows of the store, and the chain of the evidence
    board, store, tables, rows, timeline

What other rooms ask too: configuration items, business time, Tocsin's own troubles
    configuration_item, calendar, own
"""
