"""What each act of a person does to an incident, a function each; `correlation/act.py` asks for them by their names.

Each raises Missing (422) for what the body lacks, before it changes anything.

What an act is given, and what it did
    acted

Work on it: who has it, what is waited for, what is noted
    working

Its end: resolved, accepted, archived, refused, out of scope, called back
    ending

What it is: its severity and category, which alerts belong to it, its root, its links
    judging

A major incident: declared, briefed, reviewed
    leading
"""
