"""The desk comes from the store: whole at a start, in part before a decision that needs what has left it.

Whole: `load` says in which order
    load, written, cases, alerts, promised, recall

What is written before it is read, after a time in which nothing could be heard
    absence

Before a decision
    ahead, fetch, due_lists, old_rows
"""
