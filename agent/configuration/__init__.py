"""The configuration, from text to `Config`.

From the text of a file to values
    reading, yaml, layers, secrets, site, build

The whole of it
    config, load, assemble, plugins, plugged, known_errors

What is wrong with it, each fault with its file and line
    faults, slips, judge, crosscheck, coverage, topology_faults, route_faults, window_faults

Showing it, and what came of it
    show, schemas, export, versions
"""
