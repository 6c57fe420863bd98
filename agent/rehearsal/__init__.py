"""Trying things out: an evening played ahead of time, recorded webhooks decided anew, the demo.

The same deciders without a network
    house, scenario, trial

The commands
    rehearse, replay, demo
"""
