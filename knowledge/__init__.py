"""Incidents meet known errors. Where to look for what:

What a known error is, where it is written, and the library of all
    known_error, markdown, written, library, review, importing

Which of them fit: by predicates, by words, by what was solved before, and how sure that is
    match, index, telling, words, ranking, confidence, past

What engineers say of them; actions that they may run
    feedback, automation, run

Problems, changes, improvements, and the brief of a major incident
    problem, change, casebook, improvement, brief

The rows of the store
    store
"""
