"""Alert runs like recorded ones, of which the faults are known: `python -m benchmarks.generate OUT --sites first`.

A small site (racks, hosts, databases, services that call each other) is stepped through time while faults press on it;
Prometheus (scrapes, `for`) and Alertmanager (groups, repetitions) are imitated on what follows; the truth of a firing
is the share that each fault has in its condition. A seed is always the same runs: every draw stays in its order, also
one of which nothing is made, or the figures that were measured on a seed no longer hold for it.
"""
